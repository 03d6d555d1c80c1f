/** Every resource that a cluster serves, by aggregated discovery (KEP-3352); kept for a minute. */
import { z } from 'zod';
import type { ServedResource } from '../domain/self-review.ts';
import type { KubeClient } from './client.ts';

const KEEP_MS = 60_000;
const AGGREGATED = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json';

const discovery = z.object({
  kind: z.literal('APIGroupDiscoveryList'),
  items: z.array(
    z.object({
      metadata: z.object({ name: z.string().default('') }).default({ name: '' }),
      versions: z
        .array(
          z.object({
            resources: z
              .array(
                z.object({
                  resource: z.string(),
                  subresources: z.array(z.object({ subresource: z.string() })).default([]),
                }),
              )
              .default([]),
          }),
        )
        .default([]),
    }),
  ),
});

export class ServedResources {
  readonly #kept = new Map<string, { until: number; resources: Promise<ServedResource[] | null> }>();
  readonly #client: (clusterId: string) => Promise<Pick<KubeClient, 'send'>>;

  constructor(client: (clusterId: string) => Promise<Pick<KubeClient, 'send'>>) {
    this.#client = client;
  }

  /** Null where the cluster does not say, or not in this form (before Kubernetes 1.30). Never throws. */
  of(clusterId: string, now: number): Promise<ServedResource[] | null> {
    const kept = this.#kept.get(clusterId);
    if (kept && kept.until > now) return kept.resources;
    const resources = this.#ask(clusterId).catch(() => null);
    this.#kept.set(clusterId, { until: now + KEEP_MS, resources });
    return resources;
  }

  async #ask(clusterId: string): Promise<ServedResource[] | null> {
    const client = await this.#client(clusterId);
    const answers = await Promise.all(
      ['/api', '/apis'].map((path) => client.send({ method: 'GET', path, accept: AGGREGATED })),
    );
    const groups = answers.map(({ body }) => discovery.safeParse(body));
    if (groups.some(({ success }) => !success)) return null;
    const found = new Map<string, ServedResource>();
    for (const { metadata, versions } of groups.flatMap(({ data }) => data!.items))
      for (const { resource, subresources } of versions.flatMap((version) => version.resources))
        for (const name of [resource, ...subresources.map(({ subresource }) => `${resource}/${subresource}`)])
          found.set(`${metadata.name} ${name}`, { group: metadata.name, resource: name });
    return [...found.values()];
  }
}
