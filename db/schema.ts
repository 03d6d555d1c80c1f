/**
 * The tables. Postgres holds every durable fact; who may write what is in `grants.ts`.
 * Columns end in `_ms` for durations; times are timestamptz.
 */
import { sql } from 'drizzle-orm';
import {
  type AnyPgColumn,
  bigint,
  bigserial,
  boolean,
  customType,
  index,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  text,
  timestamp,
  uniqueIndex,
  uuid,
} from 'drizzle-orm/pg-core';

const bytea = customType<{ data: Buffer; driverData: Buffer }>({ dataType: () => 'bytea' });
const time = (name: string) => timestamp(name, { withTimezone: true, mode: 'date' });
const duration = (name: string) => bigint(name, { mode: 'number' });

export const users = pgTable(
  'users',
  {
    id: uuid().primaryKey().defaultRandom(),
    /** `local`, `oidc` or `github`; `service` for programs, which sign in nowhere. */
    provider: text().notNull(),
    /** Issuer URL for oidc, else the provider's name: (issuer, subject) is who somebody is; an email is not. */
    issuer: text().notNull(),
    subject: text().notNull(),
    email: text().notNull(),
    name: text().notNull(),
    /** DNS-label-safe short name, unique: part of service-account names, so that the cluster's own log names the person. */
    slug: text().notNull(),
    groups: text().array().notNull().default([]),
    /** PHC string, argon2id; local users only. */
    passwordHash: text('password_hash'),
    /** The person who answers for a service user; others have none. */
    ownerId: uuid('owner_id').references((): AnyPgColumn => users.id),
    disabledAt: time('disabled_at'),
    createdAt: time('created_at').notNull().defaultNow(),
    lastSignInAt: time('last_sign_in_at'),
  },
  (t) => [uniqueIndex().on(t.issuer, t.subject), uniqueIndex().on(t.slug), index().on(t.ownerId)],
);

export const webSessions = pgTable(
  'web_sessions',
  {
    id: uuid().primaryKey().defaultRandom(),
    /** SHA-256 of the cookie's 256 random bits. */
    tokenHash: bytea('token_hash').notNull(),
    userId: uuid('user_id')
      .notNull()
      .references(() => users.id),
    method: text().notNull(),
    address: text().notNull(),
    userAgent: text('user_agent').notNull(),
    createdAt: time('created_at').notNull().defaultNow(),
    expiresAt: time('expires_at').notNull(),
    endedAt: time('ended_at'),
  },
  (t) => [uniqueIndex().on(t.tokenHash), index().on(t.userId)],
);

export const apiTokens = pgTable(
  'api_tokens',
  {
    id: uuid().primaryKey().defaultRandom(),
    userId: uuid('user_id')
      .notNull()
      .references(() => users.id),
    name: text().notNull(),
    tokenHash: bytea('token_hash').notNull(),
    /** `read`, `sessions`, `admin`: never more than the person may do. */
    scopes: text().array().notNull(),
    createdAt: time('created_at').notNull().defaultNow(),
    expiresAt: time('expires_at').notNull(),
    lastUsedAt: time('last_used_at'),
    revokedAt: time('revoked_at'),
    /** Whoever saw it, where that is another than its user: a service user's ends with them. */
    createdBy: uuid('created_by').references(() => users.id),
    /** The trust by which it was given for an id token; what it opens ends with it. */
    trustId: uuid('trust_id').references(() => oidcTrusts.id),
  },
  (t) => [uniqueIndex().on(t.tokenHash), index().on(t.userId), index().on(t.createdBy), index().on(t.trustId)],
);

/** Which issuer's id tokens are as good as a service user, and with which claims: server/domain/federation.ts. */
export const oidcTrusts = pgTable(
  'oidc_trusts',
  {
    id: uuid().primaryKey().defaultRandom(),
    userId: uuid('user_id')
      .notNull()
      .references(() => users.id),
    name: text().notNull(),
    issuer: text().notNull(),
    audience: text().notNull(),
    /** Names, to the letter, whose jobs these are. */
    ownerClaim: text('owner_claim').notNull(),
    ownerValue: text('owner_value').notNull(),
    /** Further claims, by globs. */
    conditions: jsonb().$type<{ claim: string; pattern: string }[]>().notNull().default([]),
    scopes: text().array().notNull(),
    lifetimeMs: duration('lifetime_ms').notNull(),
    createdAt: time('created_at').notNull(),
    createdBy: uuid('created_by').references(() => users.id),
    removedAt: time('removed_at'),
  },
  (t) => [
    uniqueIndex()
      .on(t.name)
      .where(sql`removed_at is null`),
    index().on(t.issuer),
    index().on(t.userId),
  ],
);

/** Id tokens that were exchanged, until they would be over: each is good once. */
export const exchangedTokens = pgTable(
  'exchanged_tokens',
  {
    /** SHA-256 of issuer and `jti`, or of what was signed. */
    hash: bytea().primaryKey(),
    expiresAt: time('expires_at').notNull(),
  },
  (t) => [index().on(t.expiresAt)],
);

/**
 * Sign-ins of the command line: codes as hashes, each good once, and what became of them. Rows outlive their codes, so
 * that a code which comes a second time is known for one.
 */
export const cliSignIns = pgTable(
  'cli_sign_ins',
  {
    id: uuid().primaryKey().defaultRandom(),
    /** `code` (authorization code) or `device`. */
    kind: text().notNull(),
    /** SHA-256 of the code's 256 random bits. */
    codeHash: bytea('code_hash').notNull(),
    /** SHA-256; the code is short, so it is its ten minutes that protect it, not the hash. Devices only. */
    userCodeHash: bytea('user_code_hash'),
    /** `pending`, `approved`, `denied`, `spent`; `replayed` where its code came once more. */
    state: text().notNull(),
    /** As the program calls its machine; nobody vouches for it. */
    deviceName: text('device_name').notNull(),
    clientAddress: text('client_address').notNull(),
    scopes: text().array().notNull(),
    /** Authorization codes only. */
    redirectUri: text('redirect_uri'),
    codeChallenge: text('code_challenge'),
    /** Devices only: how often it may ask, and when it did. */
    intervalSeconds: integer('interval_seconds').notNull(),
    polledAt: time('polled_at'),
    /** Who decided, in which sign-in. */
    userId: uuid('user_id').references(() => users.id),
    webSessionId: uuid('web_session_id'),
    /** The API token that it became. */
    tokenId: uuid('token_id'),
    createdAt: time('created_at').notNull(),
    expiresAt: time('expires_at').notNull(),
  },
  (t) => [
    uniqueIndex().on(t.codeHash),
    uniqueIndex().on(t.userCodeHash),
    index().on(t.tokenId),
    index().on(t.expiresAt),
  ],
);

/** What may be done. Until there are bindings, a role's own groups say whose it is. */
export const roles = pgTable('roles', {
  name: text().primaryKey(),
  description: text().notNull().default(''),
  /** What the person may do in the portal itself: `admin`, `auditor` or `member`. */
  portal: text().notNull().default('member'),
  /** Empty: the role reaches no cluster. */
  clusterRoles: text('cluster_roles').array().notNull().default([]),
  /** Empty: cluster-wide. */
  namespaces: text().array().notNull().default([]),
  groups: text().array().notNull().default([]),
  idleMs: duration('idle_ms').notNull(),
  detachedMs: duration('detached_ms').notNull(),
  hardCapMs: duration('hard_cap_ms').notNull(),
  maxSessions: integer('max_sessions').notNull(),
  // What the gateway refuses before the cluster is asked: server/domain/api-policy.ts says what each means.
  readOnly: boolean('read_only').notNull().default(false),
  connect: text()
    .array()
    .notNull()
    .default(['exec', 'attach', 'port-forward', 'ephemeral-containers', 'service-proxy', 'pod-proxy']),
  /** `write`, `read` or `none`. */
  secrets: text().notNull().default('write'),
  mintCredentials: boolean('mint_credentials').notNull().default(false),
  allow: jsonb().$type<ApiRuleRow[]>().notNull().default([]),
  deny: jsonb().$type<ApiRuleRow[]>().notNull().default([]),
  paths: jsonb().$type<{ methods: string[]; path: string }[]>().notNull().default([]),
  proxyPaths: jsonb('proxy_paths')
    .$type<{ methods: string[]; namespaces: string[]; names: string[]; path: string }[]>()
    .notNull()
    .default([]),
  impersonateUsers: text('impersonate_users').array().notNull().default([]),
  impersonateGroups: text('impersonate_groups').array().notNull().default([]),
  /** `when-possible` or `required`. */
  recordStreams: text('record_streams').notNull().default('when-possible'),
  /** Who wakes a dormant kubeconfig: `call` or `person`. */
  wakeBy: text('wake_by').notNull().default('call'),
  updatedAt: time('updated_at').notNull().defaultNow(),
});
type ApiRuleRow = {
  verbs: string[];
  apiGroups: string[];
  resources: string[];
  namespaces: string[];
  names: string[];
};

export const clusters = pgTable(
  'clusters',
  {
    id: uuid().primaryKey().defaultRandom(),
    /** DNS label; part of URLs and prompts. */
    name: text().notNull(),
    /** Shown by colour and by word. */
    production: boolean().notNull().default(false),
    server: text().notNull(),
    /** For certificates that name another host than the address. */
    tlsServerName: text('tls_server_name'),
    ca: text().notNull(),
    /** Where the portal's own account, and session accounts, live. */
    namespace: text().notNull(),
    /** Sealed (AES-256-GCM under a data key, itself wrapped by the key outside the database): the account's token. */
    credential: bytea().notNull(),
    /** Set where the portal renews the token itself (installed by --kubeconfig); null: given by hand. */
    credentialExpiresAt: time('credential_expires_at'),
    managed: boolean().notNull().default(false),
    /** How sessions act there: `account` (one each) or `impersonation` (the portal's account as the person). */
    actAs: text('act_as').notNull().default('account'),
    createdAt: time('created_at').notNull().defaultNow(),
    createdBy: uuid('created_by'),
    removedAt: time('removed_at'),
  },
  (t) => [uniqueIndex().on(t.name)],
);

export const accessSessions = pgTable(
  'access_sessions',
  {
    id: uuid().primaryKey(),
    userId: uuid('user_id')
      .notNull()
      .references(() => users.id),
    webSessionId: uuid('web_session_id'),
    /** The API token that a kubeconfig was made with: its revocation ends it. */
    apiTokenId: uuid('api_token_id'),
    clusterId: uuid('cluster_id')
      .notNull()
      .references(() => clusters.id),
    role: text().notNull(),
    channel: text().notNull(),
    /** `opening`, `active`, `ending`, `ended`; detached is active with `detached_at`. */
    state: text().notNull(),
    /** Name of the account on the cluster, decided before it is made, so that a crash between the two loses nothing. */
    serviceAccount: text('service_account').notNull(),
    /** Snapshot of the role at the opening: later edits of the role do not stretch a running session. */
    clusterRoles: text('cluster_roles').array().notNull(),
    namespaces: text().array().notNull(),
    /** Of the client certificate that a kubeconfig has instead of a token; hex. */
    certificateSerial: text('certificate_serial'),
    idleMs: duration('idle_ms').notNull(),
    detachedMs: duration('detached_ms').notNull(),
    container: text(),
    /** HMAC secret of the session host, sealed. */
    hostSecret: bytea('host_secret'),
    /** The portal process whose machine runs the sandbox (`replicas.id`, kept in its data directory). */
    replica: uuid(),
    /** The lease on the host: a newer generation takes it over, and the host serves only the newest. */
    generation: bigint({ mode: 'number' }).notNull().default(0),
    /** Steps of the opening with their durations, for the page that waits: [{name, startedAt, ms}]. */
    steps: jsonb().$type<{ name: string; at: string; ms: number | null }[]>().notNull().default([]),
    clientAddress: text('client_address').notNull(),
    openedAt: time('opened_at').notNull(),
    lastInputAt: time('last_input_at').notNull(),
    detachedAt: time('detached_at'),
    /** The hard cap; Extend moves the idle clock, never past it. */
    hardCapAt: time('hard_cap_at').notNull(),
    endedAt: time('ended_at'),
    endReason: text('end_reason'),
    endDetail: text('end_detail'),
    exitCode: integer('exit_code'),
    /** True until the container, the account and its bindings are known to be gone: the reaper's list of what to try again. */
    cleanupPending: boolean('cleanup_pending').notNull().default(true),
    /** Bytes of log in the recording at the last look; the file itself is the truth. */
    recordedBytes: bigint('recorded_bytes', { mode: 'number' }).notNull().default(0),
  },
  (t) => [
    index().on(t.userId, t.openedAt),
    index().on(t.state),
    index().on(t.openedAt),
    uniqueIndex().on(t.certificateSerial),
  ],
);

/** Public keys by which an operator's own programs sign links in a service user's name, within these limits. */
export const linkKeys = pgTable(
  'link_keys',
  {
    id: uuid().primaryKey().defaultRandom(),
    userId: uuid('user_id')
      .notNull()
      .references(() => users.id),
    name: text().notNull(),
    algorithm: text().$type<'ES256' | 'RS256'>().notNull(),
    /** SPKI, PEM. */
    publicKey: text('public_key').notNull(),
    clusterId: uuid('cluster_id')
      .notNull()
      .references(() => clusters.id),
    role: text().notNull(),
    paths: text().array().notNull(),
    verbs: text().array().notNull(),
    longestMs: duration('longest_ms').notNull(),
    /** Null: links may be used as often as one likes. */
    usesMax: integer('uses_max'),
    createdAt: time('created_at').notNull(),
    createdBy: uuid('created_by').references(() => users.id),
    removedAt: time('removed_at'),
  },
  (t) => [
    uniqueIndex()
      .on(t.name)
      .where(sql`removed_at is null`),
    index().on(t.userId),
  ],
);

/** What a session of channel `link` opens; its id is the link's. */
export const links = pgTable('links', {
  sessionId: uuid('session_id')
    .primaryKey()
    .references(() => accessSessions.id),
  name: text().notNull(),
  paths: text().array().notNull(),
  verbs: text().array().notNull(),
  notBefore: time('not_before').notNull(),
  /** Null: as often as one likes. */
  usesMax: integer('uses_max'),
  uses: integer().notNull().default(0),
  /** The only person who may use it, signed in, in a browser; null: whoever holds it. */
  recipientId: uuid('recipient_id').references(() => users.id),
  /** Where a browser goes once it has redeemed it: a path at the link's own origin. */
  landing: text().notNull().default('/'),
  /** Of an operator's own that signed it; null: the portal did. */
  keyId: uuid('key_id').references(() => linkKeys.id),
  /** SHA-256 of the claims that it was made by: others under the same id are another link's. */
  claimsHash: bytea('claims_hash'),
});

/** What a session of channel `service` is in the browser for. */
export const services = pgTable(
  'services',
  {
    sessionId: uuid('session_id')
      .primaryKey()
      .references(() => accessSessions.id),
    /** Of its origin: the same for each session of one person with one service. */
    label: text().notNull(),
    kind: text().$type<'service' | 'pod'>().notNull(),
    namespace: text().notNull(),
    name: text().notNull(),
    port: text(),
    scheme: text().$type<'http' | 'https'>().notNull(),
  },
  (t) => [index().on(t.label)],
);

/** A browser on its way to an origin of the proxy domain: asked for, then with a code, once; gone when it is redeemed. */
export const entries = pgTable(
  'entries',
  {
    id: uuid().primaryKey(),
    sessionId: uuid('session_id')
      .notNull()
      .references(() => accessSessions.id),
    webSessionId: uuid('web_session_id').notNull(),
    /** SHA-256 of what the portal's page was given; null once it has become a code. */
    intentHash: bytea('intent_hash'),
    /** SHA-256 of the code. */
    codeHash: bytea('code_hash'),
    /** SHA-256 of the cookie of the browser that began at the origin. */
    nonceHash: bytea('nonce_hash'),
    /** Where it goes at the origin. */
    path: text().notNull(),
    expiresAt: time('expires_at').notNull(),
  },
  (t) => [uniqueIndex().on(t.intentHash), uniqueIndex().on(t.codeHash), index().on(t.expiresAt)],
);

/**
 * Append-only: the portal's database role may insert and select, nothing else. Partitioned by months of `at`, which
 * drizzle does not know of: its migration is written by hand, and `partitions.ts` makes the months.
 */
export const auditEvents = pgTable(
  'audit_events',
  {
    id: bigserial({ mode: 'number' }).notNull(),
    /** Given when the fact happened: the journal may be replayed after a crash, and writes no fact twice. */
    key: uuid().notNull(),
    at: time('at').notNull(),
    /** A code of server/domain/audit-codes.ts. */
    code: text().notNull(),
    actorId: uuid('actor_id'),
    /** As known at the time: who, in words. */
    actor: text().notNull(),
    sessionId: uuid('session_id'),
    clusterId: uuid('cluster_id'),
    /** Kubernetes calls: our Audit-ID, the join to the cluster's own audit log. */
    auditId: uuid('audit_id'),
    clientAddress: text('client_address'),
    correlationId: text('correlation_id'),
    /** The rest of the fact, by code. Never a Secret's value, never a token. */
    detail: jsonb().$type<Record<string, unknown>>().notNull().default({}),
  },
  (t) => [
    primaryKey({ columns: [t.at, t.id] }),
    uniqueIndex().on(t.at, t.key),
    index().on(t.sessionId, t.at),
    index().on(t.actorId, t.at),
    index().on(t.auditId),
  ],
);

/** One row a portal process: its lease. The reaper leaves alone what a live replica holds. */
export const replicas = pgTable('replicas', {
  id: uuid().primaryKey(),
  startedAt: time('started_at').notNull(),
  seenAt: time('seen_at').notNull(),
});

/** Small facts of the installation: its portal id, the gateway's public keys. */
export const settings = pgTable('settings', {
  key: text().primaryKey(),
  value: jsonb().notNull(),
});
