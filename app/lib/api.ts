/**
 * The pages' client of the portal's REST API: one function a route, typed by the portal's own schemas, every failure
 * a PortalError. A call without a sign-in leads to the sign-in page, once.
 */
import type {
  AddLinkKey,
  ApiToken,
  Authorization,
  AuthorizationQuery,
  AuditEventBody,
  CliRequest,
  Cluster,
  ClusterTest,
  CreatedToken,
  Credential,
  IssuedKubeconfig,
  CreateServiceUser,
  CreateTrust,
  CreateUser,
  Me,
  OpenedService,
  OpenedSession,
  OpenService,
  Page,
  RegisterCluster,
  IssuedLink,
  IssueLink,
  Link,
  LinkKey,
  Stream,
  UpdateCluster,
  Role,
  Service,
  Session,
  SignInOptions,
  Trust,
  UpdateUser,
  User,
} from '../../server/http/schemas.ts';
import { paths } from './paths.ts';
import { problemOf, unreachable } from './problem.ts';
import { noteAnswer } from './unconfirmed.ts';

type Query = Record<string, string | number | boolean | null | undefined>;
type Options = { method?: string; body?: unknown; query?: Query; signal?: AbortSignal; stay?: boolean };

const base = '/api/v1';
const id = encodeURIComponent;

function address(path: string, query: Query = {}): string {
  const params = new URLSearchParams();
  for (const [key, value] of Object.entries(query))
    if (value !== null && value !== undefined && value !== '') params.set(key, String(value));
  const text = params.toString();
  return `${base}${path}${text ? `?${text}` : ''}`;
}

/** Leaves for the sign-in page, which returns here. */
export function toSignIn(reason?: string): void {
  const here = location.pathname + location.search;
  location.assign(paths.signIn({ return: here === '/' ? undefined : here, reason }));
}

/** Whether this page was ever answered as a signed-in person: only then has a sign-in ended. */
let wasSignedIn = false;

/** fetch with the portal's manners. Throws PortalError; `stay` keeps a 401 from leading to the sign-in page. */
export async function send(path: string, options: Options = {}): Promise<Response> {
  const { method = 'GET', body, query, signal, stay = false } = options;
  const raw = body instanceof Blob || body instanceof ReadableStream;
  let response: Response;
  try {
    response = await fetch(address(path, query), {
      method,
      signal,
      cache: 'no-store',
      headers: body !== undefined && !raw ? { 'content-type': 'application/json' } : {},
      body: body === undefined ? undefined : raw ? (body as BodyInit) : JSON.stringify(body),
    });
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    throw unreachable(error);
  }
  if (response.ok) {
    wasSignedIn ||= !stay;
    noteAnswer(response.headers);
    return response;
  }
  const failure = await problemOf(response);
  if (response.status === 401 && !stay) toSignIn(wasSignedIn ? 'expired' : undefined);
  throw failure;
}

async function call<T>(path: string, options?: Options): Promise<T> {
  const response = await send(path, options);
  if (response.status === 204) return undefined as T;
  return (await response.json()) as T;
}

export type SearchHit = { offset: number; atMs: number; line: string };
export type SessionFilter = {
  channel?: 'terminal' | 'kubeconfig' | 'link' | 'service';
  state?: string;
  user?: string;
  cluster?: string;
  mine?: boolean;
  cursor?: string;
};
export type AuditFilter = {
  code?: string;
  actor?: string;
  session?: string;
  cluster?: string;
  from?: string;
  to?: string;
  cursor?: string;
};
export type NewToken = { name: string; scopes: ApiToken['scopes']; days: number };
/** Without `clusters`: every one that the person's roles reach. */
export type NewKubeconfig = {
  clusters?: string[];
  role?: string;
  minutes: number;
  credential?: 'token' | 'certificate';
};
/** What the form sends; the portal fills in the defaults. */
export type ClusterRegistration = RegisterCluster;

/** Of a service user, or one's own. */
const tokensOf = (user: string | null) => (user === null ? '/me/tokens' : `/service-users/${id(user)}/tokens`);

export const api = {
  signInOptions: (signal?: AbortSignal) => call<SignInOptions>('/sign-in', { signal, stay: true }),
  signOut: () => call<void>('/sign-out', { method: 'POST' }),
  me: (signal?: AbortSignal) => call<Me>('/me', { signal }),

  tokens: (of: string | null, signal?: AbortSignal) => call<Page<ApiToken>>(tokensOf(of), { signal }),
  createToken: (of: string | null, body: NewToken) => call<CreatedToken>(tokensOf(of), { method: 'POST', body }),
  revokeToken: (of: string | null, token: string) => call<void>(`${tokensOf(of)}/${id(token)}`, { method: 'DELETE' }),

  ownedServiceUsers: (signal?: AbortSignal) => call<Page<User>>('/service-users', { signal }),
  serviceUser: (user: string, signal?: AbortSignal) => call<User>(`/service-users/${id(user)}`, { signal }),
  createServiceUser: (body: CreateServiceUser) => call<User>('/service-users', { method: 'POST', body }),
  linkKeys: (user: string, signal?: AbortSignal) =>
    call<Page<LinkKey>>(`/service-users/${id(user)}/link-keys`, { signal }),
  addLinkKey: (user: string, body: AddLinkKey) =>
    call<LinkKey>(`/service-users/${id(user)}/link-keys`, { method: 'POST', body }),
  removeLinkKey: (user: string, key: string) =>
    call<void>(`/service-users/${id(user)}/link-keys/${id(key)}`, { method: 'DELETE' }),
  trusts: (user: string, signal?: AbortSignal) => call<Page<Trust>>(`/service-users/${id(user)}/trusts`, { signal }),
  createTrust: (user: string, body: CreateTrust) =>
    call<Trust>(`/service-users/${id(user)}/trusts`, { method: 'POST', body }),
  removeTrust: (user: string, trust: string) =>
    call<void>(`/service-users/${id(user)}/trusts/${id(trust)}`, { method: 'DELETE' }),

  kubeconfigs: (signal?: AbortSignal) => call<Page<Credential>>('/me/kubeconfigs', { signal }),
  issueKubeconfig: (body: NewKubeconfig) => call<IssuedKubeconfig>('/me/kubeconfigs', { method: 'POST', body }),
  wakeKubeconfig: (credential: string) => call<void>(`/me/kubeconfigs/${id(credential)}/wake`, { method: 'POST' }),
  revokeKubeconfig: (credential: string) => call<void>(`/me/kubeconfigs/${id(credential)}`, { method: 'DELETE' }),

  cliAuthorization: (query: AuthorizationQuery, signal?: AbortSignal) =>
    call<Authorization>('/cli/authorization', { query, signal }),
  decideCliAuthorization: (body: { query: AuthorizationQuery; decision: 'approve' | 'deny' }) =>
    call<{ redirect: string }>('/cli/authorization', { method: 'POST', body }),
  lookUpCliDevice: (userCode: string) =>
    call<CliRequest>('/cli/device/look-up', { method: 'POST', body: { userCode } }),
  decideCliDevice: (body: { userCode: string; decision: 'approve' | 'deny' }) =>
    call<void>('/cli/device', { method: 'POST', body }),

  users: (signal?: AbortSignal) => call<Page<User>>('/users', { signal }),
  createUser: (body: CreateUser) => call<User>('/users', { method: 'POST', body }),
  updateUser: (user: string, body: UpdateUser) => call<User>(`/users/${id(user)}`, { method: 'PATCH', body }),

  roles: (signal?: AbortSignal) => call<Page<Role>>('/roles', { signal }),
  putRole: (role: Role) => call<Role>(`/roles/${id(role.name)}`, { method: 'PUT', body: role }),
  deleteRole: (name: string) => call<void>(`/roles/${id(name)}`, { method: 'DELETE' }),

  clusters: (signal?: AbortSignal) => call<Page<Cluster>>('/clusters', { signal }),
  cluster: (name: string, signal?: AbortSignal) => call<Cluster>(`/clusters/${id(name)}`, { signal }),
  testCluster: (body: ClusterRegistration) => call<ClusterTest>('/clusters/test', { method: 'POST', body }),
  registerCluster: (body: ClusterRegistration) => call<Cluster>('/clusters', { method: 'POST', body }),
  updateCluster: (name: string, body: UpdateCluster) =>
    call<Cluster>(`/clusters/${id(name)}`, { method: 'PATCH', body }),
  removeCluster: (name: string) => call<void>(`/clusters/${id(name)}`, { method: 'DELETE' }),
  clusterManifest: async (namespace: string, actAs: Cluster['actAs'], signal?: AbortSignal) =>
    (await send('/clusters/manifest', { query: { namespace, actAs }, signal })).text(),

  sessions: (filter: SessionFilter, signal?: AbortSignal) =>
    call<Page<Session>>('/sessions', { query: filter, signal }),
  session: (session: string, signal?: AbortSignal) => call<Session>(`/sessions/${id(session)}`, { signal }),
  openSession: (body: { cluster: string; role?: string; cols: number; rows: number }) =>
    call<OpenedSession>('/sessions', { method: 'POST', body }),
  extendSession: (session: string) => call<Session>(`/sessions/${id(session)}/extend`, { method: 'POST' }),
  endSession: (session: string) => call<Session>(`/sessions/${id(session)}/end`, { method: 'POST' }),
  ticket: (session: string, signal?: AbortSignal) =>
    call<{ ticket: string; expiresAt: string }>(`/sessions/${id(session)}/ticket`, {
      method: 'POST',
      signal,
      stay: true,
    }),
  calls: (session: string, cursor?: string, signal?: AbortSignal) =>
    call<Page<AuditEventBody>>(`/sessions/${id(session)}/calls`, { query: { cursor }, signal }),
  services: (signal?: AbortSignal) => call<Page<Service>>('/services', { signal }),
  openService: (body: OpenService) => call<OpenedService>('/services', { method: 'POST', body }),
  closeService: (service: string) => call<void>(`/services/${id(service)}`, { method: 'DELETE' }),
  links: (signal?: AbortSignal) => call<Page<Link>>('/links', { signal }),
  issueLink: (body: IssueLink) => call<IssuedLink>('/links', { method: 'POST', body }),
  revokeLink: (link: string) => call<void>(`/links/${id(link)}`, { method: 'DELETE' }),
  streams: (session: string, signal?: AbortSignal) =>
    call<Page<Stream>>(`/sessions/${id(session)}/streams`, { signal }),
  /** `recording`: its address. */
  searchRecording: (recording: string, q: string, signal?: AbortSignal) =>
    call<{ items: SearchHit[] }>(`${recording.replace('/api/v1', '')}/search`, { query: { q }, signal }),
  /** One of a list's, with its body. */
  auditEvent: ({ id, at }: AuditEventBody, signal: AbortSignal) =>
    call<AuditEventBody>(`/audit/${id}`, { query: { at }, signal }),
  sessionCall: (session: string, { id: event, at }: AuditEventBody, signal: AbortSignal) =>
    call<AuditEventBody>(`/sessions/${id(session)}/calls/${event}`, { query: { at }, signal }),
  audit: (filter: AuditFilter, signal?: AbortSignal) => call<Page<AuditEventBody>>('/audit', { query: filter, signal }),
};
