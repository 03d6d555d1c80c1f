/**
 * Which portal processes of an installation count as living. A replica says so every few seconds in its row; how long
 * ago that was is measured by the database's clock alone, since those of machines differ. Pure.
 */

/** A beat that comes late, or twice not at all, costs nobody anything. */
export const BEAT_MS = 3_000;
/** A replica that was silent for this long is dead: what it held may be ended, and its warm sandboxes removed. */
export const LEASE_MS = 15_000;

/** `silentMs`: since its last beat. */
export type ReplicaSeen = { id: string; silentMs: number };

export function livesStill({ silentMs }: ReplicaSeen): boolean {
  return silentMs < LEASE_MS;
}

/** The living, but for one: itself, as a rule; who is no replica sees all. */
export function livingOthers(seen: readonly ReplicaSeen[], self: string | undefined): string[] {
  return seen.filter((replica) => replica.id !== self && livesStill(replica)).map(({ id }) => id);
}

/**
 * Whether this replica looks after what dead ones have left: one of the living does, so that nothing is done twice.
 * Two may believe it for a moment as replicas come and go; what they do is safe to be done twice.
 */
export function isSteward(seen: readonly ReplicaSeen[], self: string): boolean {
  return livingOthers(seen, self).every((other) => self < other);
}

/** Asked to confirm a change, and neither confirmed nor dead. */
export function unconfirmed(
  asked: readonly string[],
  confirmed: ReadonlySet<string>,
  seen: readonly ReplicaSeen[],
): string[] {
  const living = new Set(seen.filter(livesStill).map(({ id }) => id));
  return asked.filter((id) => !confirmed.has(id) && living.has(id));
}
