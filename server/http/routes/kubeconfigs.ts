/** One's own kubeconfigs: GET, POST /me/kubeconfigs, DELETE /me/kubeconfigs/{id}. Each credential is a session. */
import { createRoute, z } from '@hono/zod-openapi';
import { Problem } from '../../domain/problem.ts';
import type { Person } from '../../domain/person.ts';
import type { IssuedCredential, KubeconfigWish } from '../../sessions/kubeconfig-issue.ts';
import type { Caller } from '../../sessions/parts.ts';
import type { SessionListFilter, SessionView } from '../../sessions/sessions.ts';
import { callerOf } from '../actor.ts';
import { personOf, personSignedIn } from '../env.ts';
import { newRouter, problems, type Router } from '../router.ts';
import { credentialSchema, issuedKubeconfigSchema, issueKubeconfigSchema, page, type Credential } from '../schemas.ts';

type Entry = Pick<IssuedCredential, 'namespace' | 'credential'> & { cluster: string };

export type KubeconfigsRoutesDeps = {
  issue(person: Person, wish: KubeconfigWish, caller: Caller): Promise<IssuedCredential>;
  wake(id: string, person: Person, caller: Caller): Promise<void>;
  wakeBy(role: string): Promise<'call' | 'person'>;
  sessions: {
    get(id: string, person: Person): Promise<SessionView>;
    list(person: Person, filter: SessionListFilter): Promise<{ items: SessionView[] }>;
    endBy(id: string, person: Person, caller: Caller): Promise<SessionView>;
  };
  /** Names of all clusters. */
  clusters(): Promise<string[]>;
  /** The text of a kubeconfig with these contexts. */
  file(entries: readonly [Entry, ...Entry[]]): string;
  /** Whatever is asked for, none lives longer. */
  longestMs: number;
};

/** Ended ones are history, which the list of sessions has. */
const STANDING = ['active', 'dormant'] as const;

const json = <T extends z.ZodType>(schema: T) => ({ content: { 'application/json': { schema } } });

const listRoute = createRoute({
  method: 'get',
  path: '/me/kubeconfigs',
  summary: 'The credentials of your kubeconfigs that are valid, newest first',
  responses: { 200: { description: 'Credentials', ...json(page(credentialSchema)) }, ...problems(401, 403) },
});
const issueRoute = createRoute({
  method: 'post',
  path: '/me/kubeconfigs',
  summary: 'Make a kubeconfig for your own tools; the credentials in it are shown this once',
  request: { body: { ...json(issueKubeconfigSchema), required: true } },
  responses: {
    201: { description: 'The kubeconfig', ...json(issuedKubeconfigSchema) },
    ...problems(400, 401, 403, 404, 409),
  },
});
const oneRoute = createRoute({
  method: 'get',
  path: '/me/kubeconfigs/{id}',
  summary: 'Whether one of your kubeconfigs’ credentials is valid',
  request: { params: z.object({ id: z.uuid() }) },
  responses: { 200: { description: 'The credential', ...json(credentialSchema) }, ...problems(401, 403, 404) },
});
const wakeRoute = createRoute({
  method: 'post',
  path: '/me/kubeconfigs/{id}/wake',
  summary: 'Wake a kubeconfig that sleeps, where the role has its person do it',
  request: { params: z.object({ id: z.uuid() }) },
  responses: { 204: { description: 'Awake' }, ...problems(401, 403, 404) },
});
const revokeRoute = createRoute({
  method: 'delete',
  path: '/me/kubeconfigs/{id}',
  summary: 'Revoke one of your kubeconfigs’ credentials; calls under way end',
  request: { params: z.object({ id: z.uuid() }) },
  responses: { 204: { description: 'Revoked' }, ...problems(401, 403, 404) },
});

export function kubeconfigsRoutes(deps: KubeconfigsRoutesDeps): Router {
  const routes = newRouter();
  const shown = async (session: SessionView): Promise<Credential> => {
    const { id, state, cluster, role, openedAt, clientAddress, certificate, endedAt, endDetail } = session;
    const lastUsedAt = session.lastInputAt === openedAt ? null : session.lastInputAt;
    const waits = state === 'dormant' && lastUsedAt !== null && (await deps.wakeBy(role)) === 'person';
    const ends = { expiresAt: session.hardCapAt, endedAt, endDetail };
    return { id, state, waits, cluster, role, openedAt, clientAddress, certificate, lastUsedAt, ...ends };
  };
  routes.openapi(listRoute, async (c) => {
    const person = personOf(c, 'read');
    const own = { channel: 'kubeconfig' as const, userId: person.id, states: [...STANDING], limit: 200 };
    const { items } = await deps.sessions.list(person, own);
    return c.json({ items: await Promise.all(items.map(shown)), next: null }, 200);
  });
  routes.openapi(issueRoute, async (c) => {
    const person = personOf(c, 'sessions');
    const { clusters, role, minutes, credential: kind } = c.req.valid('json');
    const names = [...new Set(clusters ?? (await deps.clusters()))];
    const lifetimeMs = Math.min(minutes * 60_000, deps.longestMs);
    const caller = callerOf(c);
    const issued: IssuedCredential[] = [];
    for (const cluster of names) issued.push(await deps.issue(person, { cluster, role, lifetimeMs, kind }, caller));
    const [first, ...others] = issued.map(({ cluster, namespace, credential }) => ({
      cluster: cluster.name,
      namespace,
      credential,
    }));
    if (!first)
      throw new Problem('cluster-not-reachable', 404, 'No cluster is registered yet.', {
        next: 'Register one first, or ask an administrator to.',
      });
    const credentials = await Promise.all(issued.map(({ sessionId }) => deps.sessions.get(sessionId, person)));
    return c.json(
      { kubeconfig: deps.file([first, ...others]), credentials: await Promise.all(credentials.map(shown)) },
      201,
    );
  });
  routes.openapi(oneRoute, async (c) => {
    const person = personOf(c, 'read');
    const session = await deps.sessions.get(c.req.valid('param').id, person);
    if (session.channel !== 'kubeconfig' || session.user.id !== person.id) throw noKubeconfig();
    return c.json(await shown(session), 200);
  });
  routes.openapi(wakeRoute, async (c) => {
    const person = personSignedIn(
      c,
      'A kubeconfig that sleeps is woken by its person, signed in.',
      'Wake it on the account page; programs make a new one.',
    );
    await deps.wake(c.req.valid('param').id, person, callerOf(c));
    return c.body(null, 204);
  });
  routes.openapi(revokeRoute, async (c) => {
    const person = personOf(c, 'sessions');
    const { id } = c.req.valid('param');
    const session = await deps.sessions.get(id, person);
    if (session.channel !== 'kubeconfig') throw noKubeconfig();
    await deps.sessions.endBy(id, person, callerOf(c));
    return c.body(null, 204);
  });
  return routes;
}

function noKubeconfig(): Problem {
  return new Problem('session-not-found', 404, 'There is no such kubeconfig, or none that you may see.', {
    next: 'Look it up in the list of your kubeconfigs.',
  });
}
