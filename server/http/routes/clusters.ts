/** Clusters: list, register, test, change, remove, and the manifest of the portal's own account. */
import { createRoute, z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import type { ActAs } from '../../domain/impersonation.ts';
import type { Person } from '../../domain/person.ts';
import { clusterUnknown } from '../../domain/shared-problems.ts';
import type { ClusterHealth } from '../../kube/health.ts';
import type { Probe } from '../../kube/probe.ts';
import type { RegisteredCluster, Registration } from '../../kube/registry.ts';
import { type Actor, actorOf } from '../actor.ts';
import { type HttpEnv, personOf, personWith } from '../env.ts';
import { newRouter, problems, type Router } from '../router.ts';
import {
  type Cluster,
  clusterSchema,
  clusterTestSchema,
  page,
  registerClusterSchema,
  type UpdateCluster,
  updateClusterSchema,
} from '../schemas.ts';

export type ClustersRoutesDeps = {
  registry: {
    list(): Promise<RegisteredCluster[]>;
    get(nameOrId: string): Promise<RegisteredCluster>;
    test(registration: Registration): Promise<Probe>;
    register(registration: Registration, by: Actor): Promise<RegisteredCluster>;
    update(nameOrId: string, change: UpdateCluster, by: Actor): Promise<RegisteredCluster>;
    remove(nameOrId: string, by: Actor): Promise<void>;
  };
  health: {
    of(clusterId: string): ClusterHealth;
    check(cluster: RegisteredCluster): Promise<ClusterHealth>;
  };
  roles: {
    /** The person's roles that reach a cluster, by name. */
    reaching(person: Person): Promise<string[]>;
  };
  manifest(namespace: string, actAs: ActAs): Promise<string>;
  /** Ends what sessions have on the cluster while its credential still stands. */
  endSessions(clusterId: string): Promise<void>;
};

const byName = z.object({ name: z.string().min(1).max(253).describe('Name or id') });
const json = <T extends z.ZodType>(schema: T) => ({ content: { 'application/json': { schema } } });
const body = <T extends z.ZodType>(schema: T) => ({ body: { ...json(schema), required: true } });

const listRoute = createRoute({
  method: 'get',
  path: '/clusters',
  summary: 'Clusters that a role of yours reaches; administrators and auditors see all',
  responses: { 200: { description: 'Clusters by name', ...json(page(clusterSchema)) }, ...problems(401, 403) },
});
const manifestRoute = createRoute({
  method: 'get',
  path: '/clusters/manifest',
  summary: "The portal's own account on a cluster, with the least that it needs",
  request: { query: registerClusterSchema.pick({ namespace: true, actAs: true }) },
  responses: {
    200: { description: 'YAML', content: { 'text/yaml': { schema: z.string() } } },
    ...problems(400, 401, 403),
  },
});
const getRoute = createRoute({
  method: 'get',
  path: '/clusters/{name}',
  summary: 'One cluster',
  request: { params: byName },
  responses: { 200: { description: 'The cluster', ...json(clusterSchema) }, ...problems(401, 403, 404) },
});
const testRoute = createRoute({
  method: 'post',
  path: '/clusters/test',
  summary: 'Try a registration and save nothing',
  request: body(registerClusterSchema),
  responses: { 200: { description: 'What was found', ...json(clusterTestSchema) }, ...problems(400, 401, 403, 422) },
});
const registerRoute = createRoute({
  method: 'post',
  path: '/clusters',
  summary: 'Register a cluster that answers',
  request: body(registerClusterSchema),
  responses: { 201: { description: 'The cluster', ...json(clusterSchema) }, ...problems(400, 401, 403, 409, 422, 503) },
});
const updateRoute = createRoute({
  method: 'patch',
  path: '/clusters/{name}',
  summary: 'Mark as production, or not; choose how sessions act there',
  request: { params: byName, ...body(updateClusterSchema) },
  responses: { 200: { description: 'The cluster', ...json(clusterSchema) }, ...problems(400, 401, 403, 404, 409) },
});
const removeRoute = createRoute({
  method: 'delete',
  path: '/clusters/{name}',
  summary: 'Remove a cluster; its sessions end',
  request: { params: byName },
  responses: { 204: { description: 'Removed' }, ...problems(401, 403, 404) },
});

export function clustersRoutes(deps: ClustersRoutesDeps): Router {
  const { registry, health } = deps;
  const routes = newRouter();

  routes.openapi(listRoute, async (c) => {
    const person = personOf(c, 'read');
    const reaching = await deps.roles.reaching(person);
    const visible = seesAll(person) || reaching.length > 0 ? await registry.list() : [];
    return c.json(
      { items: visible.map((cluster) => shown(cluster, health.of(cluster.id), reaching)), next: null },
      200,
    );
  });
  routes.openapi(manifestRoute, async (c) => {
    personWith(c, 'read', 'admin');
    const { namespace, actAs } = c.req.valid('query');
    return c.body(await deps.manifest(namespace, actAs), 200, {
      'content-type': 'text/yaml; charset=utf-8',
    });
  });
  routes.openapi(getRoute, async (c) => {
    const person = personOf(c, 'read');
    const reaching = await deps.roles.reaching(person);
    const { name } = c.req.valid('param');
    // Who may not see a cluster does not learn that it exists.
    if (!seesAll(person) && reaching.length === 0) throw clusterUnknown(name);
    const cluster = await registry.get(name);
    return c.json(shown(cluster, health.of(cluster.id), reaching), 200);
  });
  routes.openapi(testRoute, async (c) => {
    personWith(c, 'admin', 'admin');
    return c.json(await registry.test(c.req.valid('json')), 200);
  });
  routes.openapi(registerRoute, async (c) => {
    const person = personWith(c, 'admin', 'admin');
    const cluster = await registry.register(c.req.valid('json'), actorOf(c));
    return c.json(shown(cluster, await health.check(cluster), await deps.roles.reaching(person)), 201);
  });
  routes.openapi(updateRoute, async (c) => {
    const person = personWith(c, 'admin', 'admin');
    const cluster = await registry.update(c.req.valid('param').name, c.req.valid('json'), actorOf(c));
    return c.json(shown(cluster, health.of(cluster.id), await deps.roles.reaching(person)), 200);
  });
  routes.openapi(removeRoute, async (c) => {
    personWith(c, 'admin', 'admin');
    const { id } = await registry.get(c.req.valid('param').name);
    await deps.endSessions(id);
    await registry.remove(id, actorOf(c as Context<HttpEnv>));
    return c.body(null, 204);
  });
  return routes;
}

function seesAll(person: Person): boolean {
  return person.portal !== 'member';
}

function shown(cluster: RegisteredCluster, health: ClusterHealth, roles: string[]): Cluster {
  const { id, name, production, server, namespace, managed, actAs } = cluster;
  return {
    id,
    name,
    production,
    server,
    namespace,
    managed,
    actAs,
    createdAt: cluster.createdAt.toISOString(),
    health: { ...health, checkedAt: health.checkedAt?.toISOString() ?? null },
    roles,
  };
}
