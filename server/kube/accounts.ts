/**
 * Session accounts: for each access session one ServiceAccount in the portal's namespace, bound to exactly the role's
 * ClusterRoles. Everything carries the session's labels, so that it is found and removed even where the portal that
 * made it is gone.
 */
import { z } from 'zod';
import type { ActAs } from '../domain/impersonation.ts';
import type { KubeClient } from './client.ts';
import { requestToken, type IssuedToken } from './token-request.ts';

export const PORTAL_LABEL = 'sallyport.dev/portal';
export const SESSION_LABEL = 'sallyport.dev/session';

export type SessionAccount = {
  sessionId: string;
  /** `sp-<slug>-<12 hex of the session id>`, decided by sessions/ before anything is made. */
  serviceAccount: string;
  clusterRoles: readonly string[];
  /** Empty: bound cluster-wide. */
  namespaces: readonly string[];
};

/** A session's traces on a cluster, as found by label. */
export type FoundAccount = { sessionId: string; createdAt: Date };

type Deps = {
  portalId: string;
  /** Throws Problem `cluster-unknown` where no such cluster is registered. */
  cluster(clusterId: string): Promise<{ client: KubeClient; namespace: string; actAs: ActAs }>;
  now(): Date;
};

/** Kubernetes refuses tokens that would live shorter. */
const MIN_TOKEN_SECONDS = 600;

const metadata = z.object({
  name: z.string(),
  namespace: z.string().optional(),
  labels: z.record(z.string(), z.string()).optional(),
  creationTimestamp: z.string().optional(),
});
type Meta = z.infer<typeof metadata>;
const listed = z.object({ items: z.array(z.object({ metadata })) });

/** Ids of sessions. Who may write bindings in a namespace may label one with anything. */
const SESSION_ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** The three kinds that belong to a session. */
const kinds = {
  serviceaccounts: '/api/v1',
  rolebindings: '/apis/rbac.authorization.k8s.io/v1',
  clusterrolebindings: '/apis/rbac.authorization.k8s.io/v1',
} as const;

export class SessionAccounts {
  readonly #deps: Deps;

  constructor(deps: Deps) {
    this.#deps = deps;
  }

  /**
   * Makes the account, its bindings and its first token: bindings may name an account that is not there yet, so that
   * two round trips are the whole of it. Making it again is no error. On failure nothing is taken back: call
   * {@link remove}. `lifetimeMs` is raised to Kubernetes' least, 600 s.
   * Throws the Problems of KubeClient.json.
   */
  async create(
    clusterId: string,
    account: SessionAccount,
    lifetimeMs: number,
    signal?: AbortSignal,
  ): Promise<IssuedToken> {
    const { client, namespace, actAs } = await this.#deps.cluster(clusterId);
    if (actAs === 'impersonation') return noAccount();
    const metadata = { name: account.serviceAccount, labels: this.#labels(account.sessionId) };
    const made = client.json(
      {
        method: 'POST',
        path: `/api/v1/namespaces/${namespace}/serviceaccounts`,
        // Pods never run as this account: no token is mounted by itself.
        body: {
          apiVersion: 'v1',
          kind: 'ServiceAccount',
          metadata: { ...metadata, namespace },
          automountServiceAccountToken: false,
        },
        signal,
      },
      [409],
    );
    const bindings = this.#bindings(account, namespace).map(({ path, body }) =>
      client.json({ method: 'POST', path, body, signal }, [409]),
    );
    const [token] = await Promise.all([
      made.then(() => this.renew(clusterId, account.serviceAccount, lifetimeMs, signal)),
      ...bindings,
    ]);
    return token;
  }

  /** A further token of the account. Throws as {@link create}. */
  async renew(
    clusterId: string,
    serviceAccount: string,
    lifetimeMs: number,
    signal?: AbortSignal,
  ): Promise<IssuedToken> {
    const { client, namespace, actAs } = await this.#deps.cluster(clusterId);
    if (actAs === 'impersonation') return noAccount();
    const seconds = Math.max(MIN_TOKEN_SECONDS, Math.ceil(lifetimeMs / 1000));
    return requestToken(client, { namespace, account: serviceAccount, seconds, signal }, this.#deps.now);
  }

  /** Removes whatever the session has on the cluster; resolves when it is gone. Nothing there is no error. */
  async remove(clusterId: string, sessionId: string, signal?: AbortSignal): Promise<void> {
    const { client, namespace } = await this.#deps.cluster(clusterId);
    const found = await this.#list(
      client,
      namespace,
      `${PORTAL_LABEL}=${this.#deps.portalId},${SESSION_LABEL}=${sessionId}`,
      signal,
    );
    await Promise.all(
      found.map(({ kind, metadata }) => client.json({ method: 'DELETE', path: pathOf(kind, metadata), signal }, [404])),
    );
  }

  /**
   * The sessions of this portal that have anything on the cluster, oldest trace first. What carries the portal's label
   * and no session's id was labelled by somebody else, and stays.
   */
  async list(clusterId: string, signal?: AbortSignal): Promise<FoundAccount[]> {
    const { client, namespace } = await this.#deps.cluster(clusterId);
    const found = await this.#list(
      client,
      namespace,
      `${PORTAL_LABEL}=${this.#deps.portalId},${SESSION_LABEL}`,
      signal,
    );
    const oldest = new Map<string, Date>();
    for (const { metadata } of found) {
      const id = metadata.labels?.[SESSION_LABEL];
      const at = new Date(metadata.creationTimestamp ?? 0);
      if (id && SESSION_ID.test(id) && at < (oldest.get(id) ?? new Date(8.64e15))) oldest.set(id, at);
    }
    return [...oldest]
      .map(([sessionId, createdAt]) => ({ sessionId, createdAt }))
      .sort((a, b) => a.createdAt.getTime() - b.createdAt.getTime());
  }

  async #list(client: KubeClient, namespace: string, selector: string, signal?: AbortSignal) {
    const query = `?labelSelector=${encodeURIComponent(selector)}`;
    const lists = await Promise.all(
      (Object.keys(kinds) as (keyof typeof kinds)[]).map(async (kind) => {
        // Accounts are the portal's namespace's only; the right to list them elsewhere is neither had nor needed.
        const place = kind === 'serviceaccounts' ? `/namespaces/${namespace}` : '';
        const path = `${kinds[kind]}${place}/${kind}${query}`;
        const list = await client.read(listed, { method: 'GET', path, signal });
        return list.items.map(({ metadata }) => ({ kind, metadata }));
      }),
    );
    return lists.flat();
  }

  #labels(sessionId: string): Record<string, string> {
    return {
      [PORTAL_LABEL]: this.#deps.portalId,
      [SESSION_LABEL]: sessionId,
      'app.kubernetes.io/managed-by': 'sallyport',
    };
  }

  #bindings(account: SessionAccount, namespace: string): { path: string; body: unknown }[] {
    const subjects = [{ kind: 'ServiceAccount', name: account.serviceAccount, namespace }];
    const scopes = account.namespaces.length > 0 ? account.namespaces : [null];
    return scopes.flatMap((scope) =>
      account.clusterRoles.map((role) => ({
        path: `${kinds.rolebindings}/${scope === null ? 'clusterrolebindings' : `namespaces/${scope}/rolebindings`}`,
        body: {
          apiVersion: 'rbac.authorization.k8s.io/v1',
          kind: scope === null ? 'ClusterRoleBinding' : 'RoleBinding',
          metadata: {
            name: `${account.serviceAccount}:${role}`,
            labels: this.#labels(account.sessionId),
            ...(scope === null ? {} : { namespace: scope }),
          },
          roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: role },
          subjects,
        },
      })),
    );
  }
}

/** Its sessions have none: what goes up there carries no token of a session's, and this would open nothing. */
function noAccount(): IssuedToken {
  return { token: '', expiresAt: new Date(8.64e15) };
}

function pathOf(kind: keyof typeof kinds, { name, namespace }: Meta): string {
  const place = namespace ? `/namespaces/${encodeURIComponent(namespace)}` : '';
  return `${kinds[kind]}${place}/${kind}/${encodeURIComponent(name)}`;
}
