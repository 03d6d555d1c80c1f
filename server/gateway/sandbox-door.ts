/** The socket of a sandbox: the session is the socket's, and a token of another session, person or cluster opens nothing. */
import { Problem } from '../domain/problem.ts';
import { sessionEnded } from '../domain/shared-problems.ts';
import { bearerOf, type Door } from './door.ts';
import type { GatewaySession, SessionDirectory } from './session-directory.ts';
import type { TokenClaims } from './tokens.ts';

export type SandboxDoorDeps = {
  sessions: SessionDirectory;
  tokens: { verify(token: string): Promise<TokenClaims> };
};

export function sandboxDoor({ sessions, tokens }: SandboxDoorDeps, sessionId: string): Door {
  const check = async (token: string | null, session: GatewaySession): Promise<void> => {
    if (token === null)
      throw new Problem('credential-missing', 401, 'This call carries no credential of the portal.', {
        next: 'Use the kubeconfig of this session (unset KUBECONFIG, leave out --token and --kubeconfig).',
      });
    const claims = await tokens.verify(token);
    if (claims.sessionId !== session.id || !claims.subject.endsWith(`:${session.serviceAccount}`))
      throw new Problem('credential-foreign', 401, 'This credential belongs to another session.', {
        next: 'Use the kubeconfig of this session: a credential works in its own shell only.',
      });
  };
  return {
    async enter(incoming) {
      const session = await sessions.alive(sessionId);
      if (!session) throw sessionEnded();
      const refused = await check(bearerOf(incoming), session).then(
        () => null,
        (error: unknown) => {
          if (error instanceof Problem) return error;
          throw error;
        },
      );
      return {
        session,
        refused,
        tokenAtHand: () => sessions.tokenAtHand(session.id),
        upstreamToken: (signal) => sessions.upstreamToken(session.id, signal),
        // Made once, at the opening: its shell is told by the cluster's own 401.
        accountGone: () => false,
      };
    },
  };
}
