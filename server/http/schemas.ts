/** The shapes of the REST API, once: they validate, they type the pages' client and they are the OpenAPI document. */
import { z } from '@hono/zod-openapi';
import { CONNECTS, OPEN_POLICY, POLICY_METHODS, RECORD_STREAMS, WAKE_BY } from '../domain/api-policy.ts';
import { LINK_VERBS } from '../domain/link-grant.ts';
import { ACT_AS } from '../domain/impersonation.ts';
import { PRINTABLE } from '../domain/printable.ts';

const dateTime = z.iso.datetime({ offset: true });
const id = z.uuid();
/** RFC 1123 label: what Kubernetes takes as a name and what fits a URL. */
const label = z.string().regex(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/, 'lower-case letters, digits and -, at most 63');

/** One line that people read, in pages, terminals and files. */
const line = (most: number) => z.string().max(most).regex(PRINTABLE, 'no control characters');
/** As Kubernetes checks names in RBAC (path segment names), and of one line: it stands in the manifest. */
const clusterRole = z.string().regex(/^(?!\.\.?$)[!-$&-.0-~]{1,253}$/, 'no name of a ClusterRole');

export const problemSchema = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.number(),
    code: z.string(),
    detail: z.string().optional(),
    next: z.string().optional().describe('What to do next'),
    correlationId: z.string().optional(),
    meta: z.record(z.string(), z.string()).optional(),
  })
  .openapi('Problem');
export type ProblemBody = z.infer<typeof problemSchema>;

/** Lists come in pages; `next` is the opaque cursor of the following page. */
export function page<T extends z.ZodType>(item: T) {
  return z.object({ items: z.array(item), next: z.string().nullable() });
}
export type Page<T> = { items: T[]; next: string | null };

export const meSchema = z
  .object({
    id,
    email: z.string(),
    name: z.string(),
    slug: z.string(),
    groups: z.array(z.string()),
    portal: z.enum(['admin', 'auditor', 'member']),
    roles: z.array(z.string()),
    proof: z.enum(['web-session', 'api-token']),
    signOutUrl: z.string().nullable(),
  })
  .openapi('Me');
export type Me = z.infer<typeof meSchema>;

/** GET /api/v1/sign-in (no sign-in needed): what the sign-in page offers. */
export const signInOptionsSchema = z
  .object({
    local: z.boolean(),
    providers: z.array(z.object({ id: z.enum(['oidc', 'github']), name: z.string() })),
    csrfPath: z.string(),
  })
  .openapi('SignInOptions');
export type SignInOptions = z.infer<typeof signInOptionsSchema>;

export const clusterSchema = z
  .object({
    id,
    name: label,
    production: z.boolean(),
    server: z.string(),
    namespace: z.string(),
    managed: z.boolean().describe('The portal renews its own token'),
    actAs: z.enum(ACT_AS).describe('Sessions act by an account each, or by impersonation of their people'),
    createdAt: dateTime,
    health: z.object({
      state: z.enum(['healthy', 'degraded', 'unreachable', 'unknown']),
      version: z.string().nullable(),
      latencyMs: z.number().nullable(),
      checkedAt: dateTime.nullable(),
      message: z.string().nullable(),
      missingPermissions: z.array(z.string()),
    }),
    /** Roles through which the asking person reaches it. */
    roles: z.array(z.string()),
  })
  .openapi('Cluster');
export type Cluster = z.infer<typeof clusterSchema>;

export const registerClusterSchema = z
  .object({
    name: label,
    production: z.boolean().default(false),
    namespace: label.default('sallyport'),
    actAs: z.enum(ACT_AS).default('account'),
    connection: z.discriminatedUnion('kind', [
      z.object({
        kind: z.literal('kubeconfig'),
        kubeconfig: z.string().max(1_048_576),
        context: z.string().max(253).optional(),
      }),
      z.object({
        kind: z.literal('token'),
        server: z.url().max(2048),
        ca: z.string().max(65_536),
        token: z.string().min(1).max(16_384),
        tlsServerName: z.string().max(253).optional(),
      }),
    ]),
  })
  .openapi('RegisterCluster');
export type RegisterCluster = z.infer<typeof registerClusterSchema>;

export const updateClusterSchema = z
  .object({ production: z.boolean().optional(), actAs: z.enum(ACT_AS).optional() })
  .openapi('UpdateCluster');
export type UpdateCluster = z.infer<typeof updateClusterSchema>;

/** POST /api/v1/clusters/test takes RegisterCluster and saves nothing. */
export const clusterTestSchema = z
  .object({
    ok: z.boolean(),
    version: z.string().nullable(),
    latencyMs: z.number().nullable(),
    message: z.string().nullable(),
    missingPermissions: z.array(z.string()),
  })
  .openapi('ClusterTest');
export type ClusterTest = z.infer<typeof clusterTestSchema>;

/** Of a glob or a pattern of RBAC: what no name and no path has is no use in one. */
const pattern = z
  .string()
  .min(1)
  .max(253)
  .regex(/^[!-~]+$/, 'a space or a character beyond ASCII');
const patterns = (most = 50) => z.array(pattern).max(most);
const methods = z.array(z.enum(POLICY_METHODS)).min(1).max(POLICY_METHODS.length);
const path = pattern.startsWith('/').max(1024);
const apiRule = z
  .object({
    verbs: patterns().min(1),
    apiGroups: z.array(z.literal('').or(pattern)).min(1).max(50).describe('The empty one is core; * for any'),
    resources: patterns().min(1).describe('pods, pods/log, pods/*, or * for any'),
    namespaces: patterns(200).default([]).describe('Globs. Empty: everywhere'),
    names: patterns(200).default([]).describe('Globs. Empty: any'),
  })
  .openapi('ApiRule');
/** What the gateway refuses before the cluster is asked; see server/domain/api-policy.ts. */
const apiPolicy = {
  readOnly: z.boolean().default(OPEN_POLICY.readOnly),
  connect: z.array(z.enum(CONNECTS)).max(CONNECTS.length).default(OPEN_POLICY.connect),
  secrets: z.enum(['write', 'read', 'none']).default(OPEN_POLICY.secrets),
  mintCredentials: z
    .boolean()
    .default(OPEN_POLICY.mintCredentials)
    .describe('Service-account tokens and certificates: they outlive the session'),
  allow: z.array(apiRule).max(100).default([]).describe('Empty: whatever is not denied'),
  deny: z.array(apiRule).max(100).default([]).describe('Before allow'),
  paths: z.array(z.object({ methods, path })).max(100).default([]).describe('Paths that name no resource. Empty: any'),
  proxyPaths: z
    .array(z.object({ methods, namespaces: patterns().default([]), names: patterns().default([]), path }))
    .max(100)
    .default([])
    .describe('Of what is behind services and pods. Empty: any'),
  impersonateUsers: patterns(200).default([]).describe('Globs for whom --as may name'),
  recordStreams: z
    .enum(RECORD_STREAMS)
    .default(OPEN_POLICY.recordStreams)
    .describe('Whether an exec or attach that cannot be recorded is refused'),
  wakeBy: z
    .enum(WAKE_BY)
    .default(OPEN_POLICY.wakeBy)
    .describe('What wakes a kubeconfig that nobody used for the idle time: its next call, or its person in the portal'),
  impersonateGroups: patterns(200).default([]).describe('Globs for what --as-group may name'),
};

const minutes = (least: number, most: number) =>
  z
    .number()
    .int()
    .min(least * 60_000)
    .max(most * 60_000);
export const roleSchema = z
  .object({
    name: label,
    description: z.string().max(500),
    portal: z.enum(['admin', 'auditor', 'member']),
    clusterRoles: z.array(clusterRole).max(32),
    namespaces: z.array(label).max(200).describe('Empty: cluster-wide'),
    groups: z.array(line(253)).max(200),
    idleMs: minutes(1, 24 * 60),
    detachedMs: minutes(0, 24 * 60),
    hardCapMs: minutes(1, 7 * 24 * 60),
    maxSessions: z.number().int().min(1).max(50),
    ...apiPolicy,
  })
  .openapi('Role');
export type Role = z.infer<typeof roleSchema>;

export const userSchema = z
  .object({
    id,
    provider: z.enum(['local', 'oidc', 'github', 'service']),
    email: z.string(),
    name: z.string(),
    slug: z.string(),
    groups: z.array(z.string()),
    roles: z.array(z.string()),
    owner: z.object({ id, name: z.string(), email: z.string() }).nullable().describe('Of a service user'),
    disabledAt: dateTime.nullable(),
    createdAt: dateTime,
    lastSignInAt: dateTime.nullable(),
  })
  .openapi('User');
export type User = z.infer<typeof userSchema>;

export const createUserSchema = z
  .object({
    email: z.email().max(254),
    name: line(200).min(1),
    password: z.string().min(12).max(1024),
    groups: z.array(line(253)).max(200).default([]),
  })
  .openapi('CreateUser');
export type CreateUser = z.infer<typeof createUserSchema>;

/** PATCH /api/v1/users/{id}. Groups of local and service users only, passwords of local ones; a provider's are its own. */
export const updateUserSchema = z
  .object({
    disabled: z.boolean().optional(),
    name: line(200).min(1).optional(),
    groups: z.array(line(253)).max(200).optional(),
    password: z.string().min(12).max(1024).optional(),
    owner: id.optional().describe('Of a service user'),
  })
  .openapi('UpdateUser');
export type UpdateUser = z.infer<typeof updateUserSchema>;

export const apiTokenSchema = z
  .object({
    id,
    name: z.string(),
    scopes: z.array(z.enum(['read', 'sessions', 'admin'])),
    createdAt: dateTime,
    expiresAt: dateTime,
    lastUsedAt: dateTime.nullable(),
    revokedAt: dateTime.nullable(),
  })
  .openapi('ApiToken');
export type ApiToken = z.infer<typeof apiTokenSchema>;

export const createTokenSchema = z
  .object({
    name: line(200).min(1),
    scopes: z.array(z.enum(['read', 'sessions', 'admin'])).min(1),
    days: z.number().int().min(1).max(365),
  })
  .openapi('CreateToken');
/** The only time that the token is shown. */
export const createdTokenSchema = apiTokenSchema.extend({ token: z.string() }).openapi('CreatedToken');
export type CreatedToken = z.infer<typeof createdTokenSchema>;

/** POST /api/v1/service-users */
export const createServiceUserSchema = z
  .object({
    name: label.describe('It is known as service:<name>'),
    groups: z.array(line(253)).max(200).default([]),
    owner: id.describe('The person who answers for it, and may have its tokens'),
  })
  .openapi('CreateServiceUser');
export type CreateServiceUser = z.infer<typeof createServiceUserSchema>;

/** As claims are called: `repository_owner`, `https://example.com/team`. */
const claim = z.string().regex(/^[\w.:/-]{1,200}$/, 'no name of a claim');
const ownerSchema = z.object({ claim, value: line(500).min(1) });
const conditionsSchema = z
  .array(z.object({ claim, pattern: line(500).min(1) }))
  .max(20)
  .describe('Further claims, by globs: * stands for anything. All have to fit');
const MINUTE_MS = 60_000;
/** POST /api/v1/service-users/{id}/trusts */
export const createTrustSchema = z
  .object({
    name: label,
    issuer: z.string().min(1).max(500).describe('As it stands in "iss"'),
    audience: line(500).min(1).describe('As it stands in "aud"'),
    owner: ownerSchema.describe('The claim that says whose job it is, and what it has to say, to the letter'),
    conditions: conditionsSchema.default([]),
    scopes: apiTokenSchema.shape.scopes.min(1).default(['read', 'sessions']),
    lifetimeMs: z
      .number()
      .int()
      .min(MINUTE_MS)
      .max(6 * 60 * MINUTE_MS)
      .default(15 * MINUTE_MS)
      .describe('Of the tokens that it gives, and of the kubeconfigs that are made with them'),
  })
  .openapi('CreateTrust');
export type CreateTrust = z.input<typeof createTrustSchema>;
export const trustSchema = z
  .object({
    id,
    name: z.string(),
    issuer: z.string(),
    audience: z.string(),
    owner: z.object({ claim: z.string(), value: z.string() }),
    conditions: z.array(z.object({ claim: z.string(), pattern: z.string() })),
    scopes: apiTokenSchema.shape.scopes,
    lifetimeMs: z.number(),
    createdAt: dateTime,
  })
  .openapi('Trust');
export type Trust = z.infer<typeof trustSchema>;

export const endReasonSchema = z.enum([
  'exited',
  'ended-by-person',
  'signed-out',
  'idle',
  'detached',
  'hard-cap',
  'revoked',
  'fault',
]);

export const sessionSchema = z
  .object({
    id,
    state: z.enum(['opening', 'active', 'dormant', 'ending', 'ended']),
    channel: z.enum(['terminal', 'kubeconfig', 'console', 'helm', 'link', 'service']),
    user: z.object({ id, name: z.string(), email: z.string() }),
    cluster: z.object({ id, name: z.string(), production: z.boolean() }),
    role: z.string(),
    serviceAccount: z.string(),
    certificate: z.string().nullable().describe('Serial number of its client certificate; null: a token opens it'),
    namespaces: z.array(z.string()),
    openedAt: dateTime,
    lastInputAt: dateTime,
    detachedAt: dateTime.nullable(),
    hardCapAt: dateTime,
    /** When and why it will end by itself, and from when the countdown shows. Null once ended. */
    deadline: z.object({ at: dateTime, reason: z.enum(['idle', 'detached', 'hard-cap']), warnAt: dateTime }).nullable(),
    steps: z.array(z.object({ name: z.string(), at: dateTime, ms: z.number().nullable() })),
    endedAt: dateTime.nullable(),
    endReason: endReasonSchema.nullable(),
    endDetail: z.string().nullable(),
    exitCode: z.number().nullable(),
    recordedBytes: z.number(),
    clientAddress: z.string(),
  })
  .openapi('Session');
export type Session = z.infer<typeof sessionSchema>;

/** POST /api/v1/me/kubeconfigs */
export const issueKubeconfigSchema = z
  .object({
    clusters: z
      .array(z.string().min(1).max(253))
      .min(1)
      .max(50)
      .optional()
      .describe('Names or ids; without it, every cluster that your roles reach'),
    role: label.optional().describe('Needed only where several of your roles reach a cluster'),
    minutes: z
      .number()
      .int()
      .min(1)
      .max(7 * 24 * 60)
      .default(480)
      .describe('How long it works; cut to what the role and the portal allow'),
    credential: z
      .enum(['token', 'certificate'])
      .default('token')
      .describe('A client certificate is for tools that take no token; it works where TLS ends in the portal'),
  })
  .openapi('IssueKubeconfig');

/** One credential of a kubeconfig: its session, as far as its list needs. */
export const credentialSchema = sessionSchema
  .pick({ id: true, state: true, cluster: true, role: true, openedAt: true, clientAddress: true, certificate: true })
  .extend({
    waits: z.boolean().describe('Whether it sleeps until its person wakes it'),
    lastUsedAt: dateTime.nullable(),
    expiresAt: dateTime,
    endedAt: dateTime.nullable(),
    endDetail: z.string().nullable(),
  })
  .openapi('Credential');
export type Credential = z.infer<typeof credentialSchema>;

/** The only time that the tokens in it are shown. */
export const issuedKubeconfigSchema = z
  .object({ kubeconfig: z.string(), credentials: z.array(credentialSchema) })
  .openapi('IssuedKubeconfig');
export type IssuedKubeconfig = z.infer<typeof issuedKubeconfigSchema>;

/** A path at an origin of the proxy domain; no address of another host. */
const ownPath = z
  .string()
  .max(2048)
  .regex(/^\/(?![/\\])[!-~]*$/, 'a path that begins with one /, percent-encoded');

export const issueLinkSchema = z
  .object({
    name: line(100).min(1).describe('What it is for; shown to you'),
    cluster: z.string().min(1).max(253).describe('Name or id'),
    role: label.optional().describe('Needed only where several of your roles reach the cluster'),
    paths: z.array(path).min(1).max(50).describe('Globs for paths on the cluster: `*` within a part, `**` over parts'),
    verbs: z.array(z.enum(LINK_VERBS)).min(1).max(LINK_VERBS.length).default(['get']),
    notBefore: dateTime.optional(),
    minutes: z
      .number()
      .int()
      .min(1)
      .max(7 * 24 * 60)
      .default(60)
      .describe('How long it works; cut to what the role and the portal allow'),
    uses: z.number().int().min(1).max(1_000_000).optional().describe('How often; without it as often as one likes'),
    recipient: z
      .email()
      .max(254)
      .optional()
      .describe('Email of the only person who may open it, in a browser; without it whoever has it'),
    landing: ownPath.default('/').describe('Where a browser goes once it has opened it, at the link’s own address'),
  })
  .openapi('IssueLink');

export const linkSchema = z
  .object({
    id,
    name: z.string(),
    cluster: z.object({ id, name: z.string(), production: z.boolean() }),
    role: z.string(),
    paths: z.array(z.string()),
    verbs: z.array(z.string()),
    uses: z.number().describe('Counted where `usesMax` is a number'),
    usesMax: z.number().nullable(),
    recipient: z.string().nullable().describe('Email of the only person who may open it'),
    landing: z.string(),
    createdAt: dateTime,
    notBefore: dateTime,
    expiresAt: dateTime,
    lastUsedAt: dateTime.nullable(),
  })
  .openapi('Link');
export type Link = z.infer<typeof linkSchema>;
/** The only time that its token is shown. */
export const issuedLinkSchema = linkSchema
  .extend({
    token: z.string(),
    address: z.string().describe('Of the cluster at the gateway; paths follow it'),
    url: z.string().nullable().describe('What a browser opens; null where the portal has no proxy domain'),
  })
  .openapi('IssuedLink');
export type IssuedLink = z.infer<typeof issuedLinkSchema>;
export type IssueLink = z.input<typeof issueLinkSchema>;

export const addLinkKeySchema = z
  .object({
    name: label,
    publicKey: z.string().min(1).max(8192).describe('PEM: P-256, or RSA with at least 2048 bits'),
    cluster: z.string().min(1).max(253).describe('Name or id'),
    role: label.optional().describe('Needed only where several of the service user’s roles reach the cluster'),
    paths: z.array(path).min(1).max(50).describe('Globs: whatever a link says, it opens nothing beside them'),
    verbs: z.array(z.enum(LINK_VERBS)).min(1).max(LINK_VERBS.length).default(['get']),
    longestMs: z
      .number()
      .int()
      .min(MINUTE_MS)
      .max(7 * 24 * 60 * MINUTE_MS)
      .default(60 * MINUTE_MS)
      .describe('How long a link works at most'),
    uses: z
      .number()
      .int()
      .min(1)
      .max(1_000_000)
      .nullable()
      .default(null)
      .describe('How often at most; null: any number'),
  })
  .openapi('AddLinkKey');
export type AddLinkKey = z.input<typeof addLinkKeySchema>;
export const linkKeySchema = z
  .object({
    id: id.describe('What links by it have as "kid"'),
    name: z.string(),
    algorithm: z.enum(['ES256', 'RS256']),
    audience: z.string().describe('What links by it have as "aud"'),
    cluster: z.object({ id, name: z.string() }),
    role: z.string(),
    paths: z.array(z.string()),
    verbs: z.array(z.string()),
    longestMs: z.number(),
    uses: z.number().nullable(),
    createdAt: dateTime,
  })
  .openapi('LinkKey');
export type LinkKey = z.infer<typeof linkKeySchema>;

/** A name of a service or pod, as the API server takes it (RFC 1123). */
const objectName = z.string().regex(/^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/, 'no name of a service or pod');
const serviceTarget = {
  kind: z.enum(['service', 'pod']),
  namespace: label,
  name: objectName,
  port: z
    .string()
    .regex(/^([1-9]\d{0,4}|[a-z0-9]([-a-z0-9]{0,13}[a-z0-9])?)$/, 'a number, or the name of a port')
    .nullable()
    .describe('Null: a service’s only one, where that has no name; a pod’s first'),
  scheme: z.enum(['http', 'https']).describe('How it is spoken to'),
};
export const openServiceSchema = z
  .object({
    cluster: z.string().min(1).max(253).describe('Name or id'),
    role: label.optional().describe('Needed only where several of your roles reach the cluster'),
    ...serviceTarget,
    kind: serviceTarget.kind.default('service'),
    port: serviceTarget.port.default(null),
    scheme: serviceTarget.scheme.default('http'),
    path: ownPath.default('/').describe('Where the browser goes there'),
  })
  .openapi('OpenService');
export type OpenService = z.input<typeof openServiceSchema>;
export const openedServiceSchema = z
  .object({ id, url: z.string().describe('What the browser opens within a minute; it works once') })
  .openapi('OpenedService');
export type OpenedService = z.infer<typeof openedServiceSchema>;
export const serviceSchema = z
  .object({
    id,
    label: z.string().describe('First part of its address'),
    cluster: z.object({ id, name: z.string(), production: z.boolean() }),
    role: z.string(),
    ...serviceTarget,
    origin: z.string(),
    open: z.boolean().describe('Whether its last session stands'),
    openedAt: dateTime,
    lastUsedAt: dateTime.nullable(),
  })
  .openapi('Service');
export type Service = z.infer<typeof serviceSchema>;

const cliDecision = z.enum(['approve', 'deny']);
/** What asks for a sign-in of the command line, as the page shows it to who may allow it. */
export const cliRequestSchema = z
  .object({
    client: z.string(),
    device: z.string().describe('As the program calls its machine; nobody vouches for it'),
    scopes: z.array(z.enum(['read', 'sessions'])),
    hours: z.number().describe('How long its token works'),
    address: z.string().nullable().describe('Where a device asks from; null: this browser’s own machine'),
    askedAt: dateTime.nullable(),
  })
  .openapi('CliRequest');
export type CliRequest = z.infer<typeof cliRequestSchema>;

/** The query of the authorization endpoint, as it came (RFC 6749 4.1.1, RFC 7636 4.3). */
export const authorizationQuerySchema = z
  .object({
    response_type: z.string().max(64).optional(),
    client_id: z.string().max(64).optional(),
    redirect_uri: z.string().max(256).optional(),
    code_challenge: z.string().max(256).optional(),
    code_challenge_method: z.string().max(64).optional(),
    scope: z.string().max(256).optional(),
    state: z.string().max(512).optional(),
    device_name: z.string().max(256).optional(),
  })
  .openapi('AuthorizationQuery');
export type AuthorizationQuery = z.infer<typeof authorizationQuerySchema>;
/** Either who asks, or where the refusal goes. */
export const authorizationSchema = z
  .object({ request: cliRequestSchema.nullable(), redirect: z.string().nullable() })
  .openapi('Authorization');
export type Authorization = z.infer<typeof authorizationSchema>;
export const decideAuthorizationSchema = z
  .object({ query: authorizationQuerySchema, decision: cliDecision })
  .openapi('DecideAuthorization');
export const redirectSchema = z.object({ redirect: z.string() }).openapi('Redirect');

const userCode = z.string().max(64);
export const lookUpDeviceSchema = z.object({ userCode }).openapi('LookUpDevice');
export const decideDeviceSchema = z.object({ userCode, decision: cliDecision }).openapi('DecideDevice');

/** POST /api/v1/sessions */
export const openSessionSchema = z
  .object({
    cluster: z.string().min(1).max(253).describe('Name or id'),
    role: label.optional().describe('Needed only where several of the person’s roles reach the cluster'),
    cols: z.number().int().min(1).max(1000).default(80),
    rows: z.number().int().min(1).max(1000).default(24),
  })
  .openapi('OpenSession');
/** The ticket saves the first page a round trip; POST /api/v1/sessions/{id}/ticket makes further ones. */
export const openedSessionSchema = z.object({ session: sessionSchema, ticket: z.string() }).openapi('OpenedSession');
export type OpenedSession = z.infer<typeof openedSessionSchema>;
export const ticketSchema = z.object({ ticket: z.string(), expiresAt: dateTime }).openapi('Ticket');

export const auditEventSchema = z
  .object({
    id: z.number(),
    at: dateTime,
    code: z.string(),
    title: z.string(),
    actor: z.string(),
    actorId: id.nullable(),
    sessionId: id.nullable(),
    clusterId: id.nullable(),
    auditId: id.nullable(),
    clientAddress: z.string().nullable(),
    correlationId: z.string().nullable(),
    detail: z.record(z.string(), z.unknown()).describe('In lists without `body`'),
    hasBody: z.boolean().describe('A request body is on record: ask for the event by its id'),
  })
  .openapi('AuditEvent');
export type AuditEventBody = z.infer<typeof auditEventSchema>;

/** An exec, attach or port-forward of a session. Sizes in bytes. */
export const streamSchema = z
  .object({
    id: z.uuid().describe('Its Audit-ID'),
    kind: z.enum(['exec', 'attach', 'port-forward']),
    namespace: z.string(),
    pod: z.string(),
    container: z.string(),
    command: z.array(z.string()),
    tty: z.boolean(),
    stdin: z.boolean(),
    startedAt: dateTime,
    endedAt: dateTime.nullable().describe('Null while it runs, and where its end never came'),
    recorded: z.boolean(),
    unrecorded: z.string().nullable().describe('Why it is not recorded, or not to its end'),
    exitCode: z.number().nullable(),
    bytes: z.record(z.string(), z.number()).describe('By channel'),
    connections: z
      .array(
        z.object({
          port: z.string(),
          openedAt: dateTime,
          closedAt: dateTime.nullable(),
          up: z.number(),
          down: z.number(),
        }),
      )
      .describe('Of a port-forward; the first 200'),
  })
  .openapi('Stream');
export type Stream = z.infer<typeof streamSchema>;

/** `detail` of api.* events. Durations in ms, sizes in bytes. */
export type ApiCallDetail = {
  method: string;
  path: string;
  verb: string;
  group: string;
  resource: string;
  subresource: string;
  namespace: string;
  name: string;
  status: number | null;
  durationMs: number | null;
  requestBytes: number;
  responseBytes: number;
  userAgent: string;
  upgraded: boolean;
  reason?: string;
  /** Of a Status with which the cluster refused. */
  statusReason?: string;
  statusMessage?: string;
  /** Of a write, without what is secret in it; or why it is not kept. */
  body?: unknown;
  bodyLeftOut?: string;
};

export const healthSchema = z
  .object({
    ready: z.boolean(),
    components: z.record(z.string(), z.object({ ok: z.boolean(), message: z.string().nullable() })),
    clusters: z.record(z.string(), z.object({ ok: z.boolean(), message: z.string().nullable() })),
  })
  .openapi('Health');
