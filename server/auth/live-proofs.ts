/**
 * What is open by a sign-in or an API token (a terminal's socket, a file on its way) is told when that ends: by its
 * time, at that moment, or by a revocation on any replica.
 */
import type { Db } from '../../db/client.ts';
import type { Notifications } from '../../db/notifications.ts';
import { liveApiTokensAmong } from '../../db/queries/api-tokens.ts';
import { liveWebSessionsAmong } from '../../db/queries/web-sessions.ts';
import type { Proof } from '../domain/person.ts';
import { Problem } from '../domain/problem.ts';

/** What setTimeout can wait; a token may be good for longer, and is looked at again then. */
const TIMER_MOST_MS = 2 ** 31 - 1;

/** Held until disposed. `signal` aborts, with Problem `signed-out`, when the proof ends. */
export type Hold = Disposable & { readonly signal: AbortSignal };

type Held = { proof: Proof; holds: Set<AbortController>; timer: NodeJS.Timeout };

export type LiveProofsDeps = {
  db: Db;
  notifications: Pick<Notifications, 'on' | 'onReset'>;
  now: () => Date;
};

export class LiveProofs implements Disposable {
  readonly #deps: LiveProofsDeps;
  readonly #held = new Map<string, Held>();
  readonly #stops: (() => void)[];

  constructor(deps: LiveProofsDeps) {
    this.#deps = deps;
    const { notifications } = deps;
    this.#stops = [
      notifications.on('web-session', (id) => this.#end(id)),
      notifications.on('api-token', (id) => this.#end(id)),
      notifications.onReset(() => void this.#recheck()),
    ];
  }

  /** Ends before the call are not noticed: whoever holds looks at the proof once more. */
  hold(proof: Proof): Hold {
    const controller = new AbortController();
    const held = this.#held.get(proof.id) ?? { proof, holds: new Set(), timer: this.#timer(proof) };
    this.#held.set(proof.id, held);
    held.holds.add(controller);
    return {
      signal: controller.signal,
      [Symbol.dispose]: () => {
        held.holds.delete(controller);
        if (held.holds.size > 0) return;
        clearTimeout(held.timer);
        if (this.#held.get(proof.id) === held) this.#held.delete(proof.id);
      },
    };
  }

  #timer({ id, expiresAt }: Proof): NodeJS.Timeout {
    const left = Math.max(0, expiresAt.getTime() - this.#deps.now().getTime());
    return setTimeout(() => this.#expire(id), Math.min(left, TIMER_MOST_MS)).unref();
  }

  #expire(id: string): void {
    const held = this.#held.get(id);
    if (!held) return;
    // Timers may come a moment early, and long ones are taken in parts.
    if (held.proof.expiresAt > this.#deps.now()) held.timer = this.#timer(held.proof);
    else this.#end(id);
  }

  #end(id: string): void {
    const held = this.#held.get(id);
    if (!held) return;
    this.#held.delete(id);
    clearTimeout(held.timer);
    const over = new Problem('signed-out', 401, 'This sign-in has ended.', { next: 'Sign in again.' });
    for (const controller of held.holds) controller.abort(over);
  }

  /** After missed notifications: what ended meanwhile. */
  async #recheck(): Promise<void> {
    const ids = (kind: Proof['kind']) =>
      [...this.#held.values()].filter(({ proof }) => proof.kind === kind).map(({ proof }) => proof.id);
    const [signIns, tokens] = [ids('web-session'), ids('api-token')];
    const now = this.#deps.now();
    try {
      const live = await Promise.all([
        liveWebSessionsAmong(this.#deps.db, signIns, now),
        liveApiTokensAmong(this.#deps.db, tokens, now),
      ]);
      const good = new Set(live.flat());
      for (const id of [...signIns, ...tokens]) if (!good.has(id)) this.#end(id);
    } catch {
      // The database is away: the reset that its return brings looks again.
    }
  }

  [Symbol.dispose](): void {
    for (const stop of this.#stops) stop();
    for (const { timer } of this.#held.values()) clearTimeout(timer);
    this.#held.clear();
  }
}
