/** The gateway's own address: the session is the one that the credential names, on the cluster that the path names. */
import type { IncomingMessage } from 'node:http';
import { Problem } from '../domain/problem.ts';
import type { ClientCertificate } from './client-authority.ts';
import type { Channel } from '../domain/access-session.ts';
import { ambientRefusal } from '../domain/own-page.ts';
import { type LinkGrant, linkRefusal } from '../domain/link-grant.ts';
import { type Admission, bearerOf, type Door } from './door.ts';
import type { GatewaySession } from './session-directory.ts';
import type { TokenClaims } from './tokens.ts';

/** What stands behind a person's own credential. */
export type KubeconfigSession = Omit<GatewaySession, 'clientAddress'> & { cluster: string };

/** What was proven. `certificate`: the serial number of the one that came; null: none did. */
export type CredentialClaims = { channel: Channel; sessionId: string; subject: string; certificate: string | null };

export interface KubeconfigDirectory {
  /**
   * The session of a credential, woken where it is dormant. Throws Problem `credential-revoked` where it has ended, its
   * ground is gone, or it is not that person's, or not that certificate's.
   */
  use(claims: CredentialClaims): Promise<KubeconfigSession>;
  tokenAtHand(sessionId: string): string | null;
  upstreamToken(sessionId: string, signal: AbortSignal): Promise<string>;
  accountGone(sessionId: string): void;
}

export type KubeconfigDoorDeps = {
  sessions: KubeconfigDirectory;
  /** Of kubeconfigs and of links. */
  tokens: { verify(token: string): Promise<TokenClaims> };
  links: {
    /** What the link of that session opens. */
    grant(sessionId: string): Promise<LinkGrant>;
    /** Throws Problem `link-used-up`. */
    spend(sessionId: string): Promise<void>;
  };
  now(): Date;
  certificates: {
    /** What came with the connection, verified; null where none did. Throws Problem `certificate-refused`. */
    of(incoming: IncomingMessage): ClientCertificate | null;
  };
  clientAddress(incoming: IncomingMessage): string;
};

/** @param cluster name or id, as the path has it; null where it names none: then it is the credential's own. */
export function kubeconfigDoor(deps: KubeconfigDoorDeps, cluster: string | null): Door {
  const { sessions, clientAddress } = deps;
  return {
    async enter(incoming) {
      const { claims, certificate } = await proven(deps, incoming);
      const { cluster: name, ...found } = await sessions.use(claims);
      const asked = cluster === null || cluster === name || cluster === found.clusterId;
      const refused =
        asked && (certificate === null || certificate.clusterId === found.clusterId)
          ? null
          : new Problem('cluster-mismatch', 403, `This credential is for the cluster "${name}", and for no other.`, {
              next: `Use its own address, /k8s/${name}, or download a kubeconfig for the other cluster.`,
              meta: { tokenCluster: name, cluster: cluster ?? certificate?.clusterId ?? '' },
            });
      return {
        session: { ...found, clientAddress: clientAddress(incoming) },
        refused,
        tokenAtHand: () => sessions.tokenAtHand(found.id),
        upstreamToken: (signal) => sessions.upstreamToken(found.id, signal),
        ...(claims.channel === 'link' ? bounds(deps, found.id) : {}),
        accountGone() {
          sessions.accountGone(found.id);
          return true;
        },
      };
    },
  };
}

/** Throws Problem `credential-missing`, `credentials-differ`, `cross-origin`, and those of a token or certificate that is not good. */
async function proven(
  { tokens, certificates }: KubeconfigDoorDeps,
  incoming: IncomingMessage,
): Promise<{ claims: CredentialClaims; certificate: ClientCertificate | null }> {
  const certificate = certificates.of(incoming);
  const token = bearerOf(incoming);
  if (token === null && certificate === null)
    throw new Problem('credential-missing', 401, 'This call carries no credential of the portal.', {
      next: 'Download a kubeconfig in the portal, and use it as it is.',
    });
  const bearer = token === null ? null : await tokens.verify(token);
  const serial = certificate?.serial ?? null;
  if (certificate === null) return { claims: { ...bearer!, certificate: serial }, certificate };
  // A browser that has a certificate sends it for whatever page asks (cross-site request forgery).
  const foreign = ambientRefusal(
    { origin: incoming.headers.origin, site: incoming.headers['sec-fetch-site']?.toString() },
    incoming.headers.host,
  );
  if (foreign) throw new Problem(foreign.code, foreign.status, foreign.message);
  // Two that name two sessions, or one of another kind beside it: nobody could say who is asking.
  const other =
    bearer === null ? incoming.headers.authorization !== undefined : bearer.sessionId !== certificate.sessionId;
  if (other)
    throw new Problem('credentials-differ', 401, 'This call carries a client certificate and another credential.', {
      next: 'Leave one of them out, or use a kubeconfig of the portal as it is.',
    });
  const { sessionId, userId } = certificate;
  return { claims: { channel: 'kubeconfig', sessionId, subject: userId, certificate: serial }, certificate };
}

/** A link opens less than its session could. */
function bounds({ links, now }: KubeconfigDoorDeps, sessionId: string): Pick<Admission, 'refusal' | 'spend'> {
  return {
    refusal: async (asked) => linkRefusal(asked, await links.grant(sessionId), now()),
    spend: () => links.spend(sessionId),
  };
}
