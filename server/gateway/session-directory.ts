/** What the gateway has to know of access sessions; sessions/ provides it. */

export type GatewaySession = {
  id: string;
  clusterId: string;
  /** Who it belongs to, as the audit log names people. */
  actorId: string;
  actor: string;
  /** By name; what it refuses is looked up at each call. */
  role: string;
  /** The session's account on the cluster: `sub` of its credential is `system:serviceaccount:<namespace>:<name>`. */
  serviceAccount: string;
  /** Of the browser that opened it. */
  clientAddress: string;
};

export interface SessionDirectory {
  /** Asked at each call; null once the session is ended or ending, and for an unclaimed sandbox. */
  alive(sessionId: string): Promise<GatewaySession | null> | GatewaySession | null;
  /** The account's token on the cluster, where it is good and nothing has to be waited for. */
  tokenAtHand(sessionId: string): string | null;
  /**
   * The same; waits while the account is being made. Throws the Problem that made it fail,
   * `session-ended`, or the signal's reason.
   */
  upstreamToken(sessionId: string, signal: AbortSignal): Promise<string>;
}
