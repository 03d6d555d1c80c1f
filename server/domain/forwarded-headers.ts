/** Which headers cross the gateway. Pure: takes node's raw header list, names and values in turn. */
import { matchesName } from './glob.ts';
import { staysWithConnection } from './hop-by-hop.ts';
import { headerName } from './impersonation.ts';
import type { Refusal } from './kube-request.ts';

/** Ours to set, or nobody's to send. */
const ours = new Set([
  'authorization',
  'host',
  'audit-id',
  'expect',
  'forwarded',
  'x-real-ip',
  'via',
  'cookie',
  'traceparent',
  'tracestate',
  'x-correlation-id',
]);

/** A header that makes the request another one than its first line says, for whoever honours it. */
const overrides = new Set([
  'x-http-method-override',
  'x-http-method',
  'x-method-override',
  'x-original-url',
  'x-rewrite-url',
  'x-original-uri',
]);

const BEARER_SUBPROTOCOL = 'base64url.bearer.authorization.k8s.io.';

/** Whom a role lets its people act as: globs. */
export type MayImpersonate = { impersonateUsers: readonly string[]; impersonateGroups: readonly string[] };

export type Impersonated = { user: string; groups: string[] };

/** Who is asked to be acted as, by headers that {@link headerRefusal} let through. Null: nobody. */
export function impersonated(raw: readonly string[]): Impersonated | null {
  let user: string | null = null;
  const groups: string[] = [];
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const name = raw[at]!.toLowerCase();
    if (name === 'impersonate-user') user = headerName(raw[at + 1]!);
    if (name === 'impersonate-group') groups.push(headerName(raw[at + 1]!));
  }
  return user === null ? null : { user, groups };
}

/** What is refused rather than dropped: dropping it would do something else than was asked, silently. */
export function headerRefusal(raw: readonly string[], may: MayImpersonate): Refusal | null {
  const as: Header[] = [];
  let unfit: Refusal | null = null;
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const [name, value] = [raw[at]!.toLowerCase(), raw[at + 1]!];
    // Any spelling: Go reads names without regard to case, and an underscore has passed for a hyphen elsewhere.
    const hyphened = name.replaceAll('_', '-');
    if (hyphened.startsWith('impersonate-')) as.push([name, value, raw[at]!]);
    unfit ??= unfitHeader(name, hyphened, value);
  }
  return (as.length > 0 ? impersonationRefusal(as, may) : null) ?? unfit;
}

function unfitHeader(name: string, hyphened: string, value: string): Refusal | null {
  if (overrides.has(hyphened))
    return refuse(
      'method-override-refused',
      400,
      `The header ${name} would make this another request than the one that was checked.`,
    );
  if (name === 'sec-websocket-protocol' && value.toLowerCase().includes(BEARER_SUBPROTOCOL))
    return refuse(
      'credential-refused',
      400,
      'A credential in Sec-WebSocket-Protocol is refused: use the Authorization header.',
    );
  if (name === 'transfer-encoding' && value.trim().toLowerCase() !== 'chunked')
    return refuse('bad-framing', 400, 'Of the transfer codings only "chunked" is accepted.');
  return null;
}

function impersonationRefusal(as: readonly Header[], may: MayImpersonate): Refusal | null {
  if (may.impersonateUsers.length === 0)
    return refuse(
      'impersonation-refused',
      403,
      'Acting as somebody else (--as, Impersonate-*) is refused: every call is made as the person who makes it. Leave out --as, or ask for a role that may do it.',
    );
  const no = (what: string) =>
    refuse('impersonation-refused', 403, `Acting as ${what} is refused: your role does not name it. Leave out --as.`);
  const users = as.filter(([name]) => name === 'impersonate-user');
  if (users.length !== 1) return no(`${users.length} users at once`);
  for (const [name, bytes, spelled] of as) {
    const value = headerName(bytes);
    const globs =
      name === 'impersonate-user' ? may.impersonateUsers : name === 'impersonate-group' ? may.impersonateGroups : null;
    // Uids and extras say more of somebody than a role can name; an underscore is another header to others.
    if (globs === null) return no(`somebody with ${spelled}`);
    if (/^\s*system:/i.test(value) || !globs.some((glob) => matchesName(glob, value)))
      return no(`the ${name === 'impersonate-user' ? 'user' : 'group'} "${value.slice(0, 100)}"`);
  }
  return null;
}

/** The client's headers that go upstream, as name and value in turn. Authorization, identity and framing are ours. */
export function forwardedRequestHeaders(raw: readonly string[]): string[] {
  const stays = staysWithConnection(connectionOf(raw));
  const out: string[] = [];
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const name = raw[at]!.toLowerCase();
    if (stays(name) || ours.has(name) || name.includes('_')) continue;
    if (/^(impersonate-|x-remote-|x-forwarded-|sec-fetch-|x-sallyport-|cf-|x-client-cert|ssl-client)/.test(name))
      continue;
    out.push(name, raw[at + 1]!);
  }
  return out;
}

/** The cluster's headers that go back. */
export function forwardedResponseHeaders(raw: readonly string[]): string[] {
  const stays = staysWithConnection(connectionOf(raw));
  const out: string[] = [];
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const name = raw[at]!.toLowerCase();
    // alt-svc would send a browser past the gateway; what else a service behind a proxy sets stays its own.
    if (stays(name) || name === 'alt-svc') continue;
    out.push(raw[at]!, raw[at + 1]!);
  }
  return out;
}

function connectionOf(raw: readonly string[]): string[] {
  const out: string[] = [];
  for (let at = 0; at + 1 < raw.length; at += 2)
    if (raw[at]!.length === 10 && raw[at]!.toLowerCase() === 'connection') out.push(raw[at + 1]!);
  return out;
}

type Header = [name: string, value: string, spelled: string];

function refuse(code: string, status: number, message: string): Refusal {
  return { code, status, message };
}
