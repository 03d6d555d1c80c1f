/**
 * The composition root's part for the proxy domain: services and links in the browser, each at an origin of its own, and
 * how a browser that is signed in at the portal is let in there.
 */
import type { IncomingMessage } from 'node:http';
import type { Db } from '../db/client.ts';
import { findLiveWebSession } from '../db/queries/web-sessions.ts';
import type { AuditLog } from './audit/audit-log.ts';
import { Entries, newNonce } from './auth/entries.ts';
import { addressKey } from './auth/rate-limit.ts';
import type { Config } from './config/config.ts';
import type { Person } from './domain/person.ts';
import { Problem } from './domain/problem.ts';
import { ENTRY_PATH, linkLabel, originOf, type ProxyDomain } from './domain/service-origin.ts';
import type { ApiServer } from './gateway/api-server.ts';
import type { KubeconfigDirectory } from './gateway/kubeconfig-door.ts';
import { linkApp } from './gateway/link-app.ts';
import { enteredAt, type OriginDoorDeps } from './gateway/origin-door.ts';
import { OriginEntry } from './gateway/origin-entry.ts';
import { Origins } from './gateway/origins.ts';
import {
  KubernetesTokens,
  type KubernetesTokensDeps,
  linkEntries,
  serviceEntries,
  type TokenClaims,
} from './gateway/tokens.ts';
import type { Logger } from './log.ts';
import { RateLimiter } from './rate-limiter.ts';
import type { Links } from './sessions/links.ts';
import type { Caller } from './sessions/parts.ts';
import type { OpeningDeps } from './sessions/own-tools-row.ts';
import { Services, type ServiceWish } from './sessions/services.ts';
import { standing } from './sessions/standing.ts';

export type OriginsContextDeps = OpeningDeps & {
  config: Config;
  db: Db;
  audit: AuditLog;
  /** Of the portal. */
  origin: string;
  signing: KubernetesTokensDeps;
  sessions: KubeconfigDirectory;
  links: Links;
  /** Of links, the portal's and operators' own. */
  linkTokens: { verify(token: string): Promise<TokenClaims> };
  api: Pick<ApiServer, 'request' | 'upgrade'>;
  clientAddress(incoming: IncomingMessage): string;
  errorDocs: string;
  log: Logger;
};

export type ProxyOrigins = {
  /** Null: there is no proxy domain. */
  origins: Origins | null;
  /** Null: there is no proxy domain. */
  originOf(label: string): string | null;
  openService(
    person: Person,
    wish: ServiceWish & { path: string },
    caller: Caller,
  ): Promise<{ id: string; url: string }>;
  enterService(webSessionId: string, intent: string, nonce: string): Promise<string>;
  /** What a browser opens; null: there is no proxy domain. */
  linkUrl(id: string, token: string): string | null;
  enterLink(person: Person, token: string, nonce: string): Promise<string>;
};

export function openOrigins(deps: OriginsContextDeps): ProxyOrigins {
  const { config, db, audit, origin, links, linkTokens, now, clientAddress } = deps;
  const domain = proxyDomain(config.proxyDomain, origin);
  const entries = new Entries({ db, now });
  const services = new Services(deps);
  const pace = new RateLimiter(config.limits.rest, () => performance.now());
  const service = (id: string) => services.ground(id);
  const signIn = (id: string) => findLiveWebSession(db, { id }, now());
  const tokens = {
    service: new KubernetesTokens(deps.signing, serviceEntries),
    link: new KubernetesTokens(deps.signing, linkEntries),
  };
  const door: OriginDoorDeps = {
    sessions: deps.sessions,
    entries: tokens,
    service,
    grant: (id) => links.grant(id),
    signedIn: async (id) => (await signIn(id)) !== undefined,
    now,
    clientAddress,
  };
  const at = (label: string, path: string) => {
    if (!domain)
      throw new Problem('proxy-domain-missing', 409, 'This portal has no domain for what clusters serve to browsers.', {
        next: 'Ask its operator to set SALLYPORT_PROXY_DOMAIN.',
      });
    return originOf(label, domain) + path;
  };
  const enterAt = (label: string, code: string) => at(label, `${ENTRY_PATH}enter?${new URLSearchParams({ code })}`);
  return {
    origins:
      domain &&
      new Origins({
        ...door,
        domain,
        portal: origin,
        api: deps.api,
        app: linkApp(config.linkApp),
        opened: (id) => links.view(id).catch(() => null),
        errorDocs: deps.errorDocs,
        onFault: (err) => deps.log.error({ err, part: 'origins' }, 'a request at the proxy domain failed unexpectedly'),
        entry: new OriginEntry({
          portal: origin,
          originOf: (label) => originOf(label, domain),
          newNonce,
          redeem: (code, nonce) => entries.redeem(code, nonce),
          service,
          links: {
            verify: (token) => linkTokens.verify(token),
            view: (id) => links.view(id),
            spend: (id) => links.spend(id),
          },
          entered: async (label, incoming) =>
            (await enteredAt(door, label, incoming).catch(() => null))?.claims.sessionId ?? null,
          async subject(sessionId) {
            const { userId, clusterId, hardCapAt } = await standing(db, sessionId, now());
            return { userId, sessionId, clusterId, expiresAt: hardCapAt };
          },
          sign: { service: (whose) => tokens.service.issue(whose), link: (whose) => tokens.link.issue(whose) },
          async note(code, { sessionId, webSessionId, clientAddress: address }) {
            const { user, cluster } = await standing(db, sessionId, now());
            const by = webSessionId === null ? undefined : (await signIn(webSessionId))?.user;
            await audit.record({
              at: now(),
              code,
              // Whoever holds a link acts as its maker, unless the portal knows who it is.
              actorId: by?.id ?? user.id,
              actor: by?.email ?? user.email,
              sessionId,
              clusterId: cluster.id,
              clientAddress: address,
              detail: { cluster: cluster.name, maker: user.email },
            });
          },
          clientAddress,
          pace: (address) => pace.pass(addressKey(address)),
          now,
        }),
      }),
    originOf: (label) => domain && originOf(label, domain),
    async openService(person, { path, ...wish }, caller) {
      // Before anything is made for nothing.
      at('', '');
      const { id, label } = await services.open(person, wish, caller);
      const intent = await entries.intend({ sessionId: id, webSessionId: person.proof.id, path });
      return { id, url: at(label, `${ENTRY_PATH}begin?${new URLSearchParams({ intent })}`) };
    },
    async enterService(webSessionId, intent, nonce) {
      const { sessionId, code } = await entries.codeFor(intent, webSessionId, nonce);
      return enterAt((await services.ground(sessionId))!.label, code);
    },
    linkUrl: (id, token) => domain && at(linkLabel(id), `${ENTRY_PATH}link?${new URLSearchParams({ token })}`),
    async enterLink(person, token, nonce) {
      const { sessionId } = await linkTokens.verify(token);
      const { recipient } = await links.view(sessionId);
      if (recipient?.id !== person.id)
        throw new Problem('link-not-yours', 403, `You are signed in as ${person.email}, for whom this link is not.`, {
          next: 'Ask whoever gave it to you for one of your own.',
        });
      return enterAt(
        linkLabel(sessionId),
        await entries.code({ sessionId, webSessionId: person.proof.id, path: '/' }, nonce),
      );
    },
  };
}

/** The operator's, or on one machine `*.localhost`, which browsers take for that machine (RFC 6761, 6.3). */
function proxyDomain(given: string | null, origin: string): ProxyDomain | null {
  const { protocol, hostname, port } = new URL(origin);
  const scheme = protocol === 'https:' ? 'https' : 'http';
  if (given === null && hostname !== 'localhost') return null;
  const [domain, own] = (given ?? `localhost:${port}`).split(':') as [string, string | undefined];
  return { scheme, domain, port: own ? `:${own}` : '' };
}
