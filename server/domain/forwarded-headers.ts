/** Which headers cross the gateway. Pure: takes node's raw header list, names and values in turn. */
import { staysWithConnection } from './hop-by-hop.ts';
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

/** What is refused rather than dropped: dropping it would do something else than was asked, silently. */
export function headerRefusal(raw: readonly string[]): Refusal | null {
  for (const [name, value] of pairs(raw)) {
    // Any spelling: Go reads names without regard to case, and an underscore has passed for a hyphen elsewhere.
    const spelled = name.replaceAll('_', '-');
    if (spelled.startsWith('impersonate-'))
      return refuse(
        'impersonation-refused',
        403,
        'Acting as somebody else (--as, Impersonate-*) is refused: every call is made as the person who makes it. Leave out --as, or ask for a role that may do it.',
      );
    if (overrides.has(spelled))
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
  }
  return null;
}

/** The client's headers that go upstream, as name and value in turn. Authorization, identity and framing are ours. */
export function forwardedRequestHeaders(raw: readonly string[]): string[] {
  const stays = staysWithConnection(connectionOf(raw));
  const out: string[] = [];
  for (const [name, value] of pairs(raw)) {
    if (stays(name) || ours.has(name) || name.includes('_')) continue;
    if (/^(x-remote-|x-forwarded-|sec-fetch-|x-sallyport-|cf-|x-client-cert|ssl-client)/.test(name)) continue;
    out.push(name, value);
  }
  return out;
}

/** The cluster's headers that go back. */
export function forwardedResponseHeaders(raw: readonly string[]): string[] {
  const stays = staysWithConnection(connectionOf(raw));
  const out: string[] = [];
  for (const [name, value, spelled] of pairs(raw)) {
    // alt-svc would send a browser past the gateway; what else a service behind a proxy sets stays its own.
    if (stays(name) || name === 'alt-svc') continue;
    out.push(spelled, value);
  }
  return out;
}

function connectionOf(raw: readonly string[]): string[] {
  return [...pairs(raw)].flatMap(([name, value]) => (name === 'connection' ? [value] : []));
}

function* pairs(raw: readonly string[]): Generator<[name: string, value: string, spelled: string]> {
  for (let at = 0; at + 1 < raw.length; at += 2) yield [raw[at]!.toLowerCase(), raw[at + 1]!, raw[at]!];
}

function refuse(code: string, status: number, message: string): Refusal {
  return { code, status, message };
}
