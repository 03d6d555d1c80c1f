/** One request to a portal: no redirects, a bound on time and size, failures as sentences. */
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import * as tls from 'node:tls';
import { Failure } from './failure.ts';

/** Ms without an answer. */
const PATIENCE_MS = 15_000;
/** Bytes; a list of all clusters is far smaller. */
const MOST_BODY = 4 * 1024 * 1024;

export type Answer = { status: number; headers: Record<string, string | string[] | undefined>; text: string };

/** The portal could not be asked: nothing is known about what it would have said. */
export class Unreachable extends Failure {
  override name = 'Unreachable';
}

/** `authority`: PEM of a private certificate authority, beside those that Node trusts. Throws {@link Unreachable}. */
export function ask(
  url: string,
  options: { method: string; headers: Record<string, string>; body?: string; authority: string | null },
): Promise<Answer> {
  const { origin, protocol } = new URL(url);
  const { method, body, authority } = options;
  const headers = {
    'user-agent': 'sallyport-cli',
    accept: 'application/json',
    ...options.headers,
    ...(body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }),
  };
  return new Promise((resolve, reject) => {
    const failed = (error: Error) => reject(unreachable(origin, error));
    const send = protocol === 'https:' ? httpsRequest : httpRequest;
    const trust = authority === null ? {} : { ca: [...trusted(), authority] };
    const request = send(url, { method, headers, agent: false, ...trust }, (answer) => {
      let [text, size] = ['', 0];
      answer.setEncoding('utf8');
      answer.on('data', (chunk: string) => {
        size += chunk.length;
        if (size > MOST_BODY) request.destroy(new Error('its answer does not end'));
        else text += chunk;
      });
      answer.once('end', () => {
        clearTimeout(timer);
        resolve({ status: answer.statusCode ?? 0, headers: answer.headers, text });
      });
      answer.once('error', failed);
    });
    const timer = setTimeout(() => request.destroy(new Error('no answer in time')), PATIENCE_MS);
    request.once('error', (error) => {
      clearTimeout(timer);
      failed(error);
    });
    request.end(body);
  });
}

function trusted(): readonly string[] {
  // Since Node 22.15; with what NODE_EXTRA_CA_CERTS names.
  const { getCACertificates } = tls as Partial<Pick<typeof tls, 'getCACertificates'>>;
  return getCACertificates?.('default') ?? tls.rootCertificates;
}

const UNTRUSTED = /CERT|SELF_SIGNED|UNABLE_TO_(GET|VERIFY)|ERR_TLS/;

function unreachable(origin: string, error: Error): Unreachable {
  const code = (error as NodeJS.ErrnoException).code ?? '';
  if (UNTRUSTED.test(code))
    return new Unreachable(
      `The certificate of ${origin} cannot be verified (${code}). Where your organisation has an authority of its own, name its certificate with --ca FILE or SALLYPORT_CA.`,
      { cause: error },
    );
  return new Unreachable(
    `The portal at ${origin} does not answer (${code || error.message}). Check the address and your network.`,
    { cause: error },
  );
}
