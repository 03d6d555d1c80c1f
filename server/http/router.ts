/**
 * How a route file is made: `export function meRoutes(deps: MeDeps): Router`, one file per resource in routes/, its
 * deps the narrow type of what it needs; context.ts hands them over and lists the router.
 */
import { OpenAPIHono } from '@hono/zod-openapi';
import { Problem } from '../domain/problem.ts';
import type { HttpEnv } from './env.ts';
import { problemSchema } from './schemas.ts';

export type Router = OpenAPIHono<HttpEnv>;

/** A router whose bodies, queries and parameters that do not fit their schema answer Problem `invalid-request`. */
export function newRouter(): Router {
  return new OpenAPIHono<HttpEnv>({
    defaultHook: (result) => {
      if (result.success) return;
      const issues = result.error.issues.slice(0, 10).map((issue) => {
        const path = issue.path.join('.');
        return path ? `${path}: ${issue.message}` : issue.message;
      });
      throw new Problem('invalid-request', 400, `The request does not fit: ${issues.join('; ')}.`, {
        next: 'See /api/v1/openapi.json for what is expected.',
      });
    },
  });
}

/** The errors of a route in its OpenAPI description. */
export function problems(...statuses: (400 | 401 | 403 | 404 | 409 | 413 | 422 | 429 | 502 | 503)[]) {
  return Object.fromEntries(
    statuses.map((status) => [
      status,
      { description: 'Problem', content: { 'application/problem+json': { schema: problemSchema } } },
    ]),
  );
}
