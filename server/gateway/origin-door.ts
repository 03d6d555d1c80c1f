/** An origin of the proxy domain: the session is the one that the browser's entry cookie names, at its own label only. */
import type { IncomingMessage } from 'node:http';
import { readCookie } from '../domain/cookie-header.ts';
import { type LinkGrant, linkRefusal } from '../domain/link-grant.ts';
import { Problem } from '../domain/problem.ts';
import { isLinkLabel, linkLabel } from '../domain/service-origin.ts';
import { crossing } from './crossing.ts';
import type { Door } from './door.ts';
import type { KubeconfigDirectory } from './kubeconfig-door.ts';
import type { TokenClaims } from './tokens.ts';

/** The portal's alone, for that origin; `__Host-` keeps what others set under its name away from it. */
export const ENTRY_COOKIE = '__Host-sallyport-entry';

export type OriginDoorDeps = {
  sessions: KubeconfigDirectory;
  entries: {
    service: { verify(token: string): Promise<TokenClaims> };
    link: { verify(token: string): Promise<TokenClaims> };
  };
  /** What the session of a service is for; null where it is for none. */
  service(sessionId: string): Promise<{ label: string; prefix: string } | null>;
  grant(sessionId: string): Promise<LinkGrant>;
  /** Whether that sign-in, of a link's recipient, still stands. */
  signedIn(webSessionId: string): Promise<boolean>;
  now(): Date;
  clientAddress(incoming: IncomingMessage): string;
};

/** What a browser was let in with; `prefix`: where its root is on the cluster, null at a link's origin. */
export type Entered = { claims: TokenClaims; prefix: string | null };

/** Throws Problem `entry-missing` where it was not let in at that label. */
export async function enteredAt(deps: OriginDoorDeps, label: string, incoming: IncomingMessage): Promise<Entered> {
  const token = readCookie(incoming.headers.cookie, ENTRY_COOKIE);
  if (token === undefined) throw entryMissing();
  if (isLinkLabel(label)) {
    const claims = await deps.entries.link.verify(token).catch(throwMissing);
    if (linkLabel(claims.sessionId) !== label) throw entryMissing();
    if (await signedOut(deps, claims)) throw entryMissing();
    return { claims, prefix: null };
  }
  const claims = await deps.entries.service.verify(token).catch(throwMissing);
  const service = await deps.service(claims.sessionId);
  if (service?.label !== label) throw entryMissing();
  return { claims, prefix: service.prefix };
}

/** @param cluster as the path names it, at a link's origin; null: the session's own. */
export function originDoor(deps: OriginDoorDeps, { claims, prefix }: Entered, cluster: string | null): Door {
  const { sessions, clientAddress } = deps;
  return {
    async enter(incoming) {
      const { cluster: name, ...found } = await sessions.use({ ...claims, certificate: null });
      const asked = cluster === null || cluster === name || cluster === found.clusterId;
      return {
        session: { ...found, clientAddress: clientAddress(incoming) },
        refused: asked
          ? null
          : new Problem('cluster-mismatch', 403, `This link is for the cluster "${name}", and for no other.`, {
              next: `Its own address is /k8s/${name}.`,
              meta: { tokenCluster: name, cluster: cluster ?? '' },
            }),
        tokenAtHand: () => sessions.tokenAtHand(found.id),
        upstreamToken: (signal) => sessions.upstreamToken(found.id, signal),
        crossing: crossing(prefix),
        refusedNow: async () => ((await signedOut(deps, claims)) ? entryMissing() : null),
        // A use was counted as the link was redeemed.
        ...(prefix === null
          ? { refusal: async (asked) => linkRefusal(asked, await deps.grant(found.id), deps.now(), true) }
          : {}),
        accountGone() {
          sessions.accountGone(found.id);
          return true;
        },
      };
    },
  };
}

/** Of a link for one person: whether they have. Of a service its session ends then. */
async function signedOut({ signedIn }: OriginDoorDeps, { webSessionId }: TokenClaims): Promise<boolean> {
  return webSessionId !== null && !(await signedIn(webSessionId));
}

function throwMissing(error: unknown): never {
  throw error instanceof Problem && error.code === 'token-invalid' ? entryMissing() : error;
}

function entryMissing(): Problem {
  return new Problem('entry-missing', 401, 'This browser was not let in at this address, or is not any more.', {
    next: 'Open it from the portal’s page of services; a link is opened by its own address.',
  });
}
