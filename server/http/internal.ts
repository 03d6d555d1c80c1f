/**
 * What web may ask of the portal, on a loopback listener of its own: what sign-in offers, and to redeem a proof for the
 * callback request that web is just handling. It reaches nothing else here.
 */
import { getRequestListener, type HttpBindings } from '@hono/node-server';
import { z } from '@hono/zod-openapi';
import { Hono } from 'hono';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Proof } from '../auth/sign-ins.ts';
import { HTTP_BOUNDS, MAX_HEADERS_COUNT } from '../http-bounds.ts';
import { Problem } from '../domain/problem.ts';
import type { Logger } from '../log.ts';
import { asProblem, problemBody, problemHeaders } from './problems.ts';

/** What next-auth needs to send a browser to a provider; nothing secret. */
export type SignInSettings = {
  /** Part of the names of next-auth's cookies. */
  instance: string;
  local: boolean;
  oidc: { name: string; clientId: string; scopes: string; issuer: string; authorizationEndpoint: string } | null;
  github: { clientId: string; url: string } | null;
};

export type InternalDeps = {
  settings(): Promise<SignInSettings>;
  redeem(id: string, proof: Proof): Promise<{ id: string; name: string; email: string }>;
  log: Logger;
};

const text = z.string().min(1).max(8192);
const code = { code: text, codeVerifier: text, nonce: text.optional(), redirectUri: z.url().max(2048) };
const redeemSchema = z.object({
  signIn: z.string().max(100),
  proof: z.discriminatedUnion('provider', [
    z.object({ provider: z.literal('oidc'), ...code }),
    z.object({ provider: z.literal('github'), ...code }),
    z.object({
      provider: z.literal('local'),
      email: z.string().min(1).max(254),
      password: z.string().min(1).max(1024),
    }),
  ]),
});

/** Bytes. */
/** Ms. A proof is a few kilobytes, from the next process. */
const REQUEST_MS = 30_000;
const MAX_BODY = 64 * 1024;

export type Internal = AsyncDisposable & { url: string };

/** Throws Node's error for an address that cannot be had. */
export async function listenInternal(deps: InternalDeps, at: { host: string; port: number }): Promise<Internal> {
  const app = new Hono<{ Bindings: HttpBindings }>();
  app.use((c, next) => {
    const { 'content-length': length, 'transfer-encoding': chunked } = c.env.incoming.headers;
    if (chunked !== undefined || Number(length ?? 0) > MAX_BODY)
      throw new Problem('body-too-large', 413, 'This is no proof of a sign-in.');
    return next();
  });
  app.get('/sign-in/settings', async (c) => c.json(await deps.settings()));
  app.post('/sign-in/redeem', async (c) => {
    const body = redeemSchema.safeParse(await c.req.json().catch(() => undefined));
    if (!body.success) throw new Problem('invalid-request', 400, 'This is no proof of a sign-in.');
    return c.json(await deps.redeem(body.data.signIn, body.data.proof));
  });
  app.onError((error, c) => {
    const problem = asProblem(error);
    if (problem.status >= 500) deps.log.warn({ err: problem.cause ?? problem, code: problem.code }, problem.message);
    return c.body(JSON.stringify(problemBody(problem, '')), problem.status as 500, problemHeaders(problem));
  });
  const server = createServer(
    { ...HTTP_BOUNDS, requestTimeout: REQUEST_MS },
    getRequestListener(app.fetch, { overrideGlobalObjects: false }),
  );
  server.maxHeadersCount = MAX_HEADERS_COUNT;
  server.listen(at.port, at.host);
  await once(server, 'listening');
  const { port, address, family } = server.address() as AddressInfo;
  return {
    url: `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`,
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
    },
  };
}
