/**
 * The registered clusters: what is known of each, how it is reached, whether it answers. Credentials are sealed in the
 * database and opened in memory only while a connection stands.
 */
import { randomUUID } from 'node:crypto';
import type { Db } from '../../db/client.ts';
import { type Notifications, notify } from '../../db/notifications.ts';
import {
  type ClusterRow,
  countShells,
  findCluster,
  findClusterNamed,
  insertCluster,
  listClusters,
  removeCluster,
  updateCluster,
} from '../../db/queries/clusters.ts';
import type { AuditSink } from '../audit/sink.ts';
import { sealingContexts } from '../crypto/sealed-records.ts';
import type { Sealer } from '../crypto/sealing.ts';
import type { AuditEvent } from '../domain/audit-codes.ts';
import type { ActAs } from '../domain/impersonation.ts';
import { Problem } from '../domain/problem.ts';
import { clusterUnknown } from '../domain/shared-problems.ts';
import type { AddressRules } from './addresses.ts';
import { KubeClient } from './client.ts';
import {
  type ClusterAddress,
  type ClusterConnection,
  type ClusterCredential,
  type ConnectionFacts,
  openConnection,
} from './connection.ts';
import { parseAuthorities, parseKubeconfig, parseServer } from './kubeconfig.ts';
import { type Probe, probe } from './probe.ts';

export type RegistryDeps = {
  db: Db;
  notifications: Pick<Notifications, 'on' | 'onReset' | 'announce'>;
  sealer: Sealer;
  audit: AuditSink;
  addresses: AddressRules;
  /** Those of the role table: what the portal has to be allowed to bind. */
  clusterRoles(): Promise<string[]>;
  now(): Date;
};

/** What an administrator gives: registerClusterSchema. */
export type Registration = {
  name: string;
  production: boolean;
  namespace: string;
  actAs: ActAs;
  connection:
    | { kind: 'kubeconfig'; kubeconfig: string; context?: string | undefined }
    | { kind: 'token'; server: string; ca: string; token: string; tlsServerName?: string | undefined };
};

/** Who did it, as the audit log names them. */
export type Actor = Pick<AuditEvent, 'actorId' | 'actor' | 'clientAddress' | 'correlationId'>;

export type RegisteredCluster = Omit<ClusterRow, 'credential' | 'actAs'> & { actAs: ActAs };

type Opened = { connection: ClusterConnection; client: KubeClient };

export class ClusterRegistry implements AsyncDisposable {
  readonly #deps: RegistryDeps;
  readonly #opened = new Map<string, Promise<Opened>>();
  readonly #stack = new AsyncDisposableStack();

  constructor(deps: RegistryDeps) {
    this.#deps = deps;
    this.#stack.defer(deps.notifications.on('cluster', (id) => this.#forget(id)));
    this.#stack.defer(deps.notifications.onReset(() => [...this.#opened.keys()].forEach((id) => this.#forget(id))));
  }

  async list(): Promise<RegisteredCluster[]> {
    return (await listClusters(this.#deps.db)).map(withoutCredential);
  }

  /** By name, or id. Throws Problem `cluster-unknown`. */
  async get(nameOrId: string): Promise<RegisteredCluster> {
    const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(nameOrId);
    const row = uuid ? await findCluster(this.#deps.db, nameOrId) : await findClusterNamed(this.#deps.db, nameOrId);
    if (!row || row.removedAt) throw clusterUnknown(nameOrId);
    return withoutCredential(row);
  }

  /**
   * Kept open and shared until the cluster changes; do not dispose of it. Throws Problem `cluster-unknown`,
   * `unsealing-failed` or `address-refused`.
   */
  async connection(id: string): Promise<ClusterConnection> {
    return (await this.#open(id)).connection;
  }

  /** The portal's own calls. Throws as {@link connection}. */
  async client(id: string): Promise<KubeClient> {
    return (await this.#open(id)).client;
  }

  /** Tries what would be registered and saves nothing. Throws the Problems of a kubeconfig, an address or a name. */
  async test(registration: Registration): Promise<Probe> {
    using connection = this.#connect(randomUUID(), registration);
    const { namespace, actAs } = registration;
    return await probe(new KubeClient(connection), namespace, await this.#deps.clusterRoles(), actAs);
  }

  /**
   * Registers a cluster that answers, missing permissions or not: they are named in its health.
   * Throws as {@link test}, Problem `cluster-name-taken`, or `cluster-test-failed` where it does not answer.
   */
  async register(registration: Registration, by: Actor): Promise<RegisteredCluster> {
    const result = await this.test(registration);
    if (result.version === null)
      throw new Problem('cluster-test-failed', 422, `The cluster was not saved: ${result.message}`, {
        next: 'Correct the registration and test it again.',
      });
    const { address, credential } = parse(registration);
    return this.#insert(registration, address, credential, { managed: false, credentialExpiresAt: null }, by);
  }

  /** The operator's own way (install.ts): registers, or renews what is registered under the name, without a test. */
  async install(
    cluster: { name: string; production: boolean; namespace: string; actAs: ActAs },
    address: ClusterAddress,
    token: { token: string; expiresAt: Date },
    by: Actor,
  ): Promise<RegisteredCluster> {
    const present = await findClusterNamed(this.#deps.db, cluster.name);
    const credential: ClusterCredential = { kind: 'token', token: token.token };
    const managed = { managed: true, credentialExpiresAt: token.expiresAt };
    if (!present) return this.#insert(cluster, address, credential, managed, by);
    await this.#deps.audit.record({ ...by, at: this.#deps.now(), code: 'cluster.updated', clusterId: present.id });
    const change = {
      ...address,
      namespace: cluster.namespace,
      actAs: cluster.actAs,
      ...managed,
      credential: this.#seal(present.id, credential),
    };
    return this.#update(present.id, change);
  }

  /** Throws Problem `cluster-unknown`. */
  async update(
    nameOrId: string,
    change: { production?: boolean | undefined; actAs?: ActAs | undefined },
    by: Actor,
  ): Promise<RegisteredCluster> {
    const { id, name, actAs } = await this.get(nameOrId);
    if (change.actAs !== undefined && change.actAs !== actAs) {
      const shells = await countShells(this.#deps.db, id);
      if (shells > 0)
        throw new Problem(
          'cluster-in-use',
          409,
          `${shells} shells are open on ${name}, with accounts of their own kind.`,
          {
            next: 'End them first, or wait until they have ended.',
            meta: { shells: String(shells) },
          },
        );
    }
    const event = { ...by, at: this.#deps.now(), code: 'cluster.updated' as const, clusterId: id };
    await this.#deps.audit.record({ ...event, detail: { name, ...change } });
    return this.#update(id, change);
  }

  /** The portal's own next token. Throws Problem `cluster-unknown`. */
  async replaceToken(id: string, token: { token: string; expiresAt: Date }): Promise<void> {
    const credential = this.#seal(id, { kind: 'token', token: token.token });
    await this.#update(id, { credential, credentialExpiresAt: token.expiresAt });
  }

  /** Its credential is forgotten; what it holds of ours is for the caller to have ended. Throws Problem `cluster-unknown`. */
  async remove(nameOrId: string, by: Actor): Promise<void> {
    const { id, name } = await this.get(nameOrId);
    await this.#deps.audit.record({
      ...by,
      at: this.#deps.now(),
      code: 'cluster.removed',
      clusterId: id,
      detail: { name },
    });
    if (!(await removeCluster(this.#deps.db, id, this.#deps.now()))) throw clusterUnknown(nameOrId);
    this.#forget(id);
    await this.#deps.notifications.announce(this.#deps.db, 'cluster', id);
  }

  async #insert(
    { name, production, namespace, actAs }: { name: string; production: boolean; namespace: string; actAs: ActAs },
    address: ClusterAddress,
    credential: ClusterCredential,
    managed: { managed: boolean; credentialExpiresAt: Date | null },
    by: Actor,
  ): Promise<RegisteredCluster> {
    const id = randomUUID();
    const taken = new Problem('cluster-name-taken', 409, `A cluster named ${name} is registered already.`, {
      next: 'Choose another name, or remove that one first.',
    });
    if (await findClusterNamed(this.#deps.db, name)) throw taken;
    const { server } = address;
    const event = { ...by, at: this.#deps.now(), code: 'cluster.registered' as const, clusterId: id };
    await this.#deps.audit.record({ ...event, detail: { name, server, namespace, production, actAs } });
    const facts = { id, name, production, namespace, actAs, ...address, ...managed, createdBy: by.actorId };
    const row = await insertCluster(this.#deps.db, { ...facts, credential: this.#seal(id, credential) });
    if (!row) throw taken;
    await notify(this.#deps.db, 'cluster', id);
    return withoutCredential(row);
  }

  async #update(id: string, change: Parameters<typeof updateCluster>[2]): Promise<RegisteredCluster> {
    const row = await updateCluster(this.#deps.db, id, change);
    if (!row) throw clusterUnknown(id);
    this.#forget(id);
    await notify(this.#deps.db, 'cluster', id);
    return withoutCredential(row);
  }

  #connect(id: string, registration: Registration): ClusterConnection {
    const { name, namespace, actAs } = registration;
    return openConnection({ id, name, namespace, actAs, ...parse(registration) }, this.#deps.addresses);
  }

  #open(id: string): Promise<Opened> {
    const known = this.#opened.get(id);
    if (known) return known;
    const opened = this.#load(id);
    this.#opened.set(id, opened);
    opened.catch(() => this.#opened.delete(id));
    return opened;
  }

  async #load(id: string): Promise<Opened> {
    const row = await findCluster(this.#deps.db, id);
    if (!row || row.removedAt) throw clusterUnknown(id);
    const { name, namespace, server, ca, tlsServerName, managed } = row;
    const actAs = row.actAs as ActAs;
    const credential = JSON.parse(
      this.#deps.sealer.open(row.credential, sealingContexts.clusterCredential(id)).toString(),
    ) as ClusterCredential;
    const facts: ConnectionFacts = { id, name, namespace, actAs, address: { server, ca, tlsServerName }, credential };
    // Installed on the server with the operator's own kubeconfig: that is the operator's word for this address.
    const rules = managed ? { ...this.#deps.addresses, allowPrivate: true } : this.#deps.addresses;
    const connection = openConnection(facts, rules);
    return { connection, client: new KubeClient(connection) };
  }

  #seal(id: string, credential: ClusterCredential): Buffer {
    return this.#deps.sealer.seal(JSON.stringify(credential), sealingContexts.clusterCredential(id));
  }

  /** Calls under way keep their connections; the agent closes those that are idle. */
  #forget(id: string): void {
    const opened = this.#opened.get(id);
    this.#opened.delete(id);
    opened?.then(
      ({ connection }) => connection.retire(),
      () => {},
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
    const all = [...this.#opened.values()];
    this.#opened.clear();
    await Promise.all(
      all.map((opened) => opened.then(({ connection }) => connection[Symbol.dispose]()).catch(() => {})),
    );
  }
}

function parse({ connection }: Registration): { address: ClusterAddress; credential: ClusterCredential } {
  if (connection.kind === 'kubeconfig') return parseKubeconfig(connection.kubeconfig, connection.context);
  return {
    address: {
      server: parseServer(connection.server),
      ca: parseAuthorities(connection.ca),
      tlsServerName: connection.tlsServerName ?? null,
    },
    credential: { kind: 'token', token: connection.token.trim() },
  };
}

function withoutCredential(row: ClusterRow): RegisteredCluster {
  const { credential, ...rest } = row;
  void credential;
  return { ...rest, actAs: rest.actAs as ActAs };
}
