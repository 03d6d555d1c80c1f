/**
 * The only place that knows the pages' addresses: links are built here, so that a renamed page is a type error.
 * Segments are encoded; empty search values are left out.
 */
type Search = Record<string, string | number | boolean | null | undefined>;

function withSearch(path: string, search?: Search): string {
  const params = new URLSearchParams();
  for (const [key, value] of Object.entries(search ?? {})) {
    if (value === null || value === undefined || value === '' || value === false) continue;
    params.set(key, String(value));
  }
  const text = params.toString();
  return text ? `${path}?${text}` : path;
}

const segment = encodeURIComponent;

export const paths = {
  home: () => '/',
  signIn: (search?: { return?: string; error?: string; reason?: string }) => withSearch('/sign-in', search),
  clusters: (search?: { q?: string }) => withSearch('/clusters', search),
  newCluster: () => '/clusters/new',
  cluster: (name: string) => `/clusters/${segment(name)}`,
  sessions: (search?: { state?: string; user?: string; cluster?: string; mine?: boolean; q?: string; sort?: string }) =>
    withSearch('/sessions', search),
  session: (id: string, search?: { at?: number; tab?: string }) => withSearch(`/sessions/${segment(id)}`, search),
  services: () => '/services',
  audit: (search?: { code?: string; actor?: string; session?: string; cluster?: string; from?: string; to?: string }) =>
    withSearch('/audit', search),
  roles: () => '/roles',
  users: () => '/users',
  account: () => '/account',
  serviceUser: (id: string) => `/service-users/${segment(id)}`,
  /** A terminal in a window of its own. */
  terminal: (id: string) => `/terminal/${segment(id)}`,
};

/** Addresses of the portal's REST API, for fetch and for plain links (downloads). */
export const apiPaths = {
  recordingCast: (id: string) => `/api/v1/sessions/${segment(id)}/recording.cast`,
  recording: (id: string) => `/api/v1/sessions/${segment(id)}/recording`,
  /** Of an exec or attach in the session. */
  streamRecording: (id: string, stream: string) =>
    `/api/v1/sessions/${segment(id)}/streams/${segment(stream)}/recording`,
  files: (id: string, path: string) => withSearch(`/api/v1/sessions/${segment(id)}/files`, { path }),
};

/**
 * The address to return to after sign-in, or `/`: only a path of this portal, so that a crafted link cannot send the
 * person elsewhere (`//host`, `/\host` and absolute addresses are someone else's).
 */
export function safeReturn(value: string | null | undefined): string {
  if (!value || !value.startsWith('/') || /^\/[/\\]/.test(value)) return '/';
  // Browsers drop tab and newline while parsing, which turns "/\t/host" into "//host".
  for (const char of value) if (char < ' ' || char === '\\') return '/';
  return value.startsWith('/sign-in') ? '/' : value;
}
