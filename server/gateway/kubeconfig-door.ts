/** The gateway's own address: the session is the one that the credential names, on the cluster that the path names. */
import type { IncomingMessage } from 'node:http';
import { Problem } from '../domain/problem.ts';
import { bearerOf, type Door } from './door.ts';
import type { GatewaySession } from './session-directory.ts';
import type { TokenClaims } from './tokens.ts';

/** What stands behind a person's own credential. */
export type KubeconfigSession = Omit<GatewaySession, 'clientAddress'> & { cluster: string };

export interface KubeconfigDirectory {
  /** Wakes a dormant one. Throws Problem `credential-revoked` where the session has ended or its ground is gone. */
  use(claims: TokenClaims): Promise<KubeconfigSession>;
  upstreamToken(sessionId: string, signal: AbortSignal): Promise<string>;
  accountGone(sessionId: string): void;
}

export type KubeconfigDoorDeps = {
  sessions: KubeconfigDirectory;
  tokens: { verify(token: string): Promise<TokenClaims> };
  clientAddress(incoming: IncomingMessage): string;
};

/** @param cluster name or id, as the path has it. */
export function kubeconfigDoor({ sessions, tokens, clientAddress }: KubeconfigDoorDeps, cluster: string): Door {
  return {
    async enter(incoming) {
      const token = bearerOf(incoming);
      if (token === null)
        throw new Problem('credential-missing', 401, 'This call carries no credential of the portal.', {
          next: 'Download a kubeconfig in the portal, and use it as it is.',
        });
      const { cluster: name, ...found } = await sessions.use(await tokens.verify(token));
      const refused =
        cluster === name || cluster === found.clusterId
          ? null
          : new Problem('cluster-mismatch', 403, `This credential is for the cluster "${name}", and for no other.`, {
              next: `Use its own address, /k8s/${name}, or download a kubeconfig for the other cluster.`,
              meta: { tokenCluster: name, cluster },
            });
      return {
        session: { ...found, clientAddress: clientAddress(incoming) },
        refused,
        upstreamToken: (signal) => sessions.upstreamToken(found.id, signal),
        accountGone() {
          sessions.accountGone(found.id);
          return true;
        },
      };
    },
  };
}
