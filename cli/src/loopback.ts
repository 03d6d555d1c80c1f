/** The address on this machine to which the browser brings the portal's answer (RFC 8252 7.3), until it has come. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Failure, plain } from './failure.ts';

/** Ms. To sign in at the portal first, with a second factor. */
const PATIENCE_MS = 10 * 60_000;

export type Loopback = {
  redirectUri: string;
  /** The code. Throws Failure where the person said no, or nobody came. */
  code: Promise<string>;
  close(): void;
};

/** `issuer`: whose answer it must be (RFC 9207); `state`: of this very request. Others are told so, and change nothing. */
export async function listenForCode(expected: { state: string; issuer: string }): Promise<Loopback> {
  let settle: { resolve: (code: string) => void; reject: (error: Failure) => void };
  const code = new Promise<string>((resolve, reject) => (settle = { resolve, reject }));
  // Its reader may come later than its failure.
  code.catch(() => {});
  const server = createServer({ requestTimeout: 10_000 }, (request, response) => {
    const found = answerOf(request, redirectUri, expected);
    if (!found) return page(response, 400, 'This is not the answer that the terminal waits for.');
    const words =
      'code' in found
        ? 'You are signed in. Close this window and go back to the terminal.'
        : 'Nothing was allowed. Close this window and go back to the terminal.';
    response.once('close', () => ('code' in found ? settle.resolve(found.code) : settle.reject(found.refused)));
    page(response, 200, words);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) =>
      reject(new Failure(`No port on this machine can be listened at: ${error.message}.`)),
    );
    // Nobody else's machine reaches it.
    server.listen(0, '127.0.0.1', resolve);
  });
  const redirectUri = `http://127.0.0.1:${(server.address() as AddressInfo).port}/callback`;
  const timer = setTimeout(
    () => settle.reject(new Failure('Nobody answered in the browser. Run sallyport login again.')),
    PATIENCE_MS,
  );
  return {
    redirectUri,
    code,
    close() {
      clearTimeout(timer);
      server.close();
      server.closeAllConnections();
    },
  };
}

function answerOf(
  { method, url, headers }: IncomingMessage,
  redirectUri: string,
  { state, issuer }: { state: string; issuer: string },
): { code: string } | { refused: Failure } | null {
  const { host, pathname } = new URL(redirectUri);
  // A name of somebody else's that leads to this machine comes with that name (DNS rebinding).
  if (method !== 'GET' || headers.host !== host || !url?.startsWith(`${pathname}?`)) return null;
  const { searchParams } = new URL(url, redirectUri);
  if (searchParams.get('state') !== state || searchParams.get('iss') !== issuer) return null;
  const code = searchParams.get('code');
  if (code) return { code };
  if (searchParams.get('error') === 'access_denied')
    return { refused: new Failure('The sign-in was denied in the browser.') };
  const why = searchParams.get('error_description') ?? searchParams.get('error');
  return why ? { refused: new Failure(`The portal refused the sign-in: ${plain(why)}`) } : null;
}

function page(response: ServerResponse, status: number, words: string): void {
  response.writeHead(status, {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': "default-src 'none'; frame-ancestors 'none'; base-uri 'none'",
    'cache-control': 'no-store',
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
    connection: 'close',
  });
  response.end(
    `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Sallyport</title><main><h1>Sallyport</h1><p>${words}</p></main></html>\n`,
  );
}
