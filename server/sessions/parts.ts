/** What sessions need of other rooms, as narrow as they use it: context.ts hands over the real ones. */
import type { Duplex } from 'node:stream';
import type { Banner, Claim } from '../../protocol/frames.ts';
import type { AuditEvent } from '../domain/audit-codes.ts';
import type { RecordingFacts } from '../domain/recording.ts';
import type { RoleReach } from '../domain/role-choice.ts';

/** One sandbox's terminal: see server/terminal/terminals.ts. */
export type TerminalPart = {
  terminal(stream: Duplex): void;
  readonly connected: Promise<void>;
  claim(facts: RecordingFacts, lease: number, claim: Claim): Promise<void>;
  resume(facts: RecordingFacts, lease: number): Promise<void>;
  readonly firstOutput: Promise<void>;
  readonly recordedBytes: number;
  /** Whether the session host is connected. */
  readonly answering: boolean;
  setCredential(token: string): void;
  state(session: unknown): void;
  banner(banner: Banner): void;
  end(reason: string, drainMs?: number): Promise<void>;
  release(): Promise<void>;
};

/** The page that holds a session. */
export type PageFacts = { user: string; webSession: string; clientAddress: string };

export type TerminalsPart = { open(sandbox: string, secret: Buffer): TerminalPart };

/** Sandboxes' way to Kubernetes and out: see server/gateway/sandbox-gateway.ts and tokens.ts. */
export type GatewayPart = {
  /** Makes what takes time (the serving certificate), so that a warm sandbox has it. */
  prepare(sandbox: string): Promise<void>;
  /** Takes a stream that the container dialled. */
  attach(sandbox: string, stream: Duplex): void;
  /** Ends every call and connection of the session. */
  cut(sandbox: string): Promise<void>;
  /** PEM: what the sandboxes' kubeconfigs trust. */
  readonly certificateAuthority: string;
  /** A credential for the sandbox: opens nothing but this session's own socket. */
  mint(subject: { sessionId: string; namespace: string; serviceAccount: string }): Promise<AccountToken>;
};

/** Where a person's request comes from. */
export type Caller = { clientAddress: string; correlationId: string };

/** The account of a session on its cluster. */
export type AccountFacts = {
  sessionId: string;
  serviceAccount: string;
  /** Of the role. */
  clusterRoles: readonly string[];
  /** Empty: cluster-wide. */
  namespaces: readonly string[];
};

/** What the gateway has to know of a session. */
export type AliveSession = {
  id: string;
  clusterId: string;
  actorId: string;
  actor: string;
  role: string;
  serviceAccount: string;
  clientAddress: string;
};

export type AccountToken = { token: string; expiresAt: Date };

/** See server/kube/accounts.ts. */
export type AccountsPart = {
  create(clusterId: string, account: AccountFacts, lifetimeMs: number, signal?: AbortSignal): Promise<AccountToken>;
  renew(clusterId: string, serviceAccount: string, lifetimeMs: number, signal?: AbortSignal): Promise<AccountToken>;
  remove(clusterId: string, sessionId: string, signal?: AbortSignal): Promise<void>;
  list(clusterId: string, signal?: AbortSignal): Promise<{ sessionId: string }[]>;
};

export type ClusterFacts = {
  id: string;
  name: string;
  production: boolean;
  /** Where the session's account lives. */
  namespace: string;
  /** False where the last look found it unreachable: then the account is made before the shell is shown. */
  healthy: boolean;
};

export type ClustersPart = {
  /** By name or id; null where there is none, or it was removed. */
  find(nameOrId: string): Promise<ClusterFacts | null>;
  /** All that the portal has a credential for. */
  ids(): Promise<string[]>;
};

export type RoleLimits = RoleReach & {
  namespaces: string[];
  idleMs: number;
  detachedMs: number;
  hardCapMs: number;
  maxSessions: number;
};

export type SealerPart = {
  seal(plaintext: Uint8Array, context: string): Buffer;
  open(sealed: Uint8Array, context: string): Buffer;
};

export type AuditPart = { record(event: AuditEvent): Promise<void> };

export type Log = {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
};
