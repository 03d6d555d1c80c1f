/** The two ends that people's own tools can be pointed at: the gateway's address, and the API server itself. */
import { readFile } from 'node:fs/promises';
import { request as requestPlain, type IncomingMessage } from 'node:http';
import { Agent, request } from 'node:https';
import { parse } from 'yaml';
import type { Bench } from './context.ts';

export type Side = {
  origin: URL;
  prefix: string;
  agent: Agent;
  /** Used by turns: a credential may call 100 times a second. */
  tokens: string[];
};

/** `kubeconfig`: its text. */
export type Issued = Side & { kubeconfig: string };

/** A credential of the bench's person, as the account page gives it. */
export async function issued(bench: Bench): Promise<Issued> {
  const { kubeconfig } = await bench.portal.call<{ kubeconfig: string }>('POST', '/api/v1/me/kubeconfigs', {
    clusters: [bench.cluster],
    role: bench.role,
  });
  type File = {
    clusters: { cluster: { server: string; 'certificate-authority-data': string } }[];
    users: { user: { token: string } }[];
  };
  const { clusters, users } = parse(kubeconfig) as File;
  const { server, 'certificate-authority-data': ca } = clusters[0]!.cluster;
  const origin = new URL(server);
  return {
    kubeconfig,
    origin,
    prefix: origin.pathname,
    agent: new Agent({ keepAlive: true, ca: Buffer.from(ca, 'base64') }),
    tokens: [users[0]!.user.token],
  };
}

/** The administrator's own. */
export async function directly(kubeconfig: string): Promise<Side> {
  type File = {
    clusters: { cluster: { server: string; 'certificate-authority-data': string } }[];
    users: { user: { 'client-certificate-data': string; 'client-key-data': string } }[];
  };
  const { clusters, users } = parse(await readFile(kubeconfig, 'utf8')) as File;
  const { server, 'certificate-authority-data': ca } = clusters[0]!.cluster;
  const { 'client-certificate-data': cert, 'client-key-data': key } = users[0]!.user;
  const of = (base64: string) => Buffer.from(base64, 'base64');
  const agent = new Agent({ keepAlive: true, ca: of(ca), cert: of(cert), key: of(key) });
  return { origin: new URL(server), prefix: '', agent, tokens: [] };
}

/** The answer, its body still to come. Throws where it is not 200. */
export function ask({ origin, prefix, agent, tokens }: Side, path: string): Promise<IncomingMessage> {
  const token = tokens.shift();
  if (token !== undefined) tokens.push(token);
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  return new Promise((resolve, reject) => {
    const { hostname, port } = origin;
    const send = origin.protocol === 'http:' ? requestPlain : request;
    const outgoing = send({ hostname, port, agent, path: prefix + path, headers });
    outgoing.once('error', reject);
    outgoing.once('response', (answer) => {
      if (answer.statusCode === 200) return resolve(answer);
      answer.resume();
      reject(new Error(`${path} was answered ${answer.statusCode}`));
    });
    outgoing.end();
  });
}

/** ms until all of the answer is there. Throws as {@link ask}. */
export async function call(side: Side, path: string): Promise<number> {
  const start = performance.now();
  for await (const _ of await ask(side, path));
  return performance.now() - start;
}
