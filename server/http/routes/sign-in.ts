/** What the sign-in page offers, and the way out: GET /sign-in, POST /sign-out. */
import { createRoute } from '@hono/zod-openapi';
import type { AuditEvent } from '../../domain/audit-codes.ts';
import { Problem } from '../../domain/problem.ts';
import { actorOf } from '../actor.ts';
import { personOf } from '../env.ts';
import { newRouter, problems, type Router } from '../router.ts';
import { signInOptionsSchema, type SignInOptions } from '../schemas.ts';

export type SignInDeps = {
  offered: Pick<SignInOptions, 'local' | 'providers'>;
  webSessions: { end(which: { id: string }): Promise<string[]> };
  /** The Set-Cookie value that removes the session cookie. */
  clearedCookie: string;
  audit: { record(event: AuditEvent): Promise<void> };
  now: () => Date;
};

const optionsRoute = createRoute({
  method: 'get',
  path: '/sign-in',
  summary: 'The ways to sign in',
  security: [],
  responses: { 200: { description: 'Ways', content: { 'application/json': { schema: signInOptionsSchema } } } },
});
const signOutRoute = createRoute({
  method: 'post',
  path: '/sign-out',
  summary: 'End this sign-in, and the access sessions opened in it',
  responses: { 204: { description: 'Signed out' }, ...problems(401, 403) },
});

export function signInRoutes({ offered, webSessions, clearedCookie, audit, now }: SignInDeps): Router {
  const routes = newRouter();
  routes.openapi(optionsRoute, (c) => c.json({ ...offered, csrfPath: '/api/auth/csrf' }, 200));
  routes.openapi(signOutRoute, async (c) => {
    const { proof } = personOf(c, 'read');
    if (proof.kind !== 'web-session')
      throw new Problem('needs-sign-in', 403, 'An API token is not signed in: revoke it instead.');
    await audit.record({ at: now(), code: 'sign-out', ...actorOf(c), detail: { webSession: proof.id } });
    await webSessions.end({ id: proof.id });
    c.header('set-cookie', clearedCookie);
    return c.body(null, 204);
  });
  return routes;
}
