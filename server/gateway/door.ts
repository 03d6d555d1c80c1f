/** A way in: whose session a request on the Kubernetes path is, by where it came in and what it carries. */
import type { IncomingMessage } from 'node:http';
import type { ApiAttributes } from '../domain/api-policy.ts';
import type { Refusal } from '../domain/kube-request.ts';
import type { Problem } from '../domain/problem.ts';
import type { Crossing } from './crossing.ts';
import type { GatewaySession } from './session-directory.ts';

export type Admission = {
  session: GatewaySession;
  /** Why its credential is refused all the same; known to be this session's doing, it goes into the audit log. */
  refused: Problem | null;
  /** The token of the session's account, where nothing has to be waited for. */
  tokenAtHand(): string | null;
  /** The same; waits while it is being made. Throws Problem, or the signal's reason. */
  upstreamToken(signal: AbortSignal): Promise<string>;
  /** What the credential itself keeps a call from, beside the role. */
  refusal?(asked: ApiAttributes): Promise<Refusal | null>;
  /** Counts a use, of a credential that has only so many. Throws Problem `link-used-up`. */
  spend?(): Promise<void>;
  /** What a stream of its ends for, beside what the role refuses; null: it may go on. */
  refusedNow?(): Promise<Problem | null>;
  /** Where a browser asks: what crosses for it beside the usual. */
  crossing?: Crossing;
  /** The cluster does not know that token. True where entering again brings another account. */
  accountGone(): boolean;
};

export interface Door {
  /** Throws the Problem to answer with where no session can be named. */
  enter(incoming: IncomingMessage): Promise<Admission>;
}

/** The token of `Authorization: Bearer`; null where there is none. */
export function bearerOf(incoming: IncomingMessage): string | null {
  return /^Bearer +([\w.~+/-]+=*) *$/i.exec(incoming.headers.authorization ?? '')?.[1] ?? null;
}
