/** How large a request's body may be: said before it is read, by its Content-Length. */
import { finished } from 'node:stream/promises';
import type { MiddlewareHandler } from 'hono';
import { Problem } from '../domain/problem.ts';
import type { HttpEnv } from './env.ts';

/** Bytes. The largest JSON body is a kubeconfig of 1 MiB, escaped. */
const MAX_JSON_BODY = 2 * 1024 * 1024;
/** Bytes. Up to here a body too large is read to its end, since many clients hear no answer before they have sent it. */
const MAX_PATIENCE = 16 * 1024 * 1024;
/** Bodies that stream bound themselves. */
const STREAMED = /^\/api\/v1\/sessions\/[^/]+\/files$/;

/** Throws Problem `body-too-large`, `length-required`. */
export const bodyBounds: MiddlewareHandler<HttpEnv> = async (c, next) => {
  const { incoming } = c.env;
  if (STREAMED.test(c.req.path)) return next();
  if (incoming.headers['transfer-encoding'] !== undefined)
    throw new Problem('length-required', 411, 'A body must say its length beforehand (Content-Length).');
  const length = Number(incoming.headers['content-length'] ?? 0);
  if (length <= MAX_JSON_BODY) return next();
  if (length <= MAX_PATIENCE) await finished(incoming.resume()).catch(() => {});
  throw new Problem('body-too-large', 413, `A request's body may have ${MAX_JSON_BODY} bytes at most.`);
};
