/** Calls under way, by session: what a revocation cuts, what a stall ends, what the limits count. */
import { Problem } from '../domain/problem.ts';

export type LiveCall = {
  readonly sessionId: string;
  /** Aborted when the call has to end; everything that the call holds hangs on it. */
  readonly abort: AbortController;
  /** Resolves when nothing of the call is left. */
  readonly ended: Promise<void>;
  /** Bodies and streams that may rest: watches, followed logs, exec. */
  readonly stream: boolean;
  /** When bytes last moved in either direction. */
  progressAt: number;
  /** Each says how many bytes of the call wait in one place, for a client, a cluster or the disk. */
  readonly queues: (() => number)[];
  /** Why it may not go on, by the rules as they are now; null where it may. */
  refusedNow: () => Promise<Problem | null>;
};

/** One person's terminal with a busy controller or helm in it stays far below. */
const CALLS_PER_SESSION = 256;
/** An ordinary answer of which no byte moves for this long, in a client that stopped reading or a cluster that hangs. */
const STALL_MS = 120_000;
const SWEEP_MS = 10_000;

export class LiveCalls implements Disposable {
  readonly #bySession = new Map<string, Set<LiveCall>>();
  readonly #sweep: NodeJS.Timeout;

  readonly #streams: number;

  /** `streams`: how many a session may have open at once. */
  constructor(now: () => number, { streams = 100 }: { streams?: number } = {}) {
    this.#streams = streams;
    this.#sweep = setInterval(() => this.#endStalled(now()), SWEEP_MS).unref();
  }

  get count(): number {
    let sum = 0;
    for (const calls of this.#bySession.values()) sum += calls.size;
    return sum;
  }

  /** Streams among them: watches, followed logs, exec. */
  get streams(): number {
    let sum = 0;
    for (const calls of this.#bySession.values()) sum += streamsAmong(calls);
    return sum;
  }

  /** Bytes of all of them that wait for a client, a cluster or the disk. */
  get queued(): number {
    let sum = 0;
    for (const calls of this.#bySession.values())
      for (const { queues } of calls) for (const queued of queues) sum += queued();
    return sum;
  }

  /** Throws Problem `too-many-calls`, `too-many-streams`. */
  begin(
    sessionId: string,
    now: number,
    stream: boolean,
    refusedNow: LiveCall['refusedNow'] = () => Promise.resolve(null),
  ): LiveCall & { end(): void } {
    const calls = this.#bySession.get(sessionId) ?? new Set();
    if (calls.size >= CALLS_PER_SESSION)
      throw new Problem('too-many-calls', 429, `This session has ${CALLS_PER_SESSION} Kubernetes calls under way.`, {
        next: 'Wait until some have ended; streams left open (watch, logs -f, port-forward) count too.',
        meta: { limit: String(CALLS_PER_SESSION) },
      });
    if (stream && streamsAmong(calls) >= this.#streams)
      throw new Problem('too-many-streams', 429, `This session has ${this.#streams} streams open, the most it may.`, {
        next: 'End some: watches, logs -f, exec, attach and port-forward are streams.',
        meta: { limit: String(this.#streams) },
      });
    this.#bySession.set(sessionId, calls);
    const { promise, resolve } = Promise.withResolvers<void>();
    const call = {
      sessionId,
      abort: new AbortController(),
      ended: promise,
      stream,
      progressAt: now,
      queues: [],
      refusedNow,
      end: () => {
        calls.delete(call);
        if (calls.size === 0 && this.#bySession.get(sessionId) === calls) this.#bySession.delete(sessionId);
        resolve();
      },
    };
    calls.add(call);
    return call;
  }

  /** When bytes of any of the session's calls last moved, ms; 0 where it has none. */
  progressAt(sessionId: string): number {
    let last = 0;
    for (const call of this.#bySession.get(sessionId) ?? []) last = Math.max(last, call.progressAt);
    return last;
  }

  /** Ends all of a session's calls; resolves when they are gone. */
  async cut(sessionId: string, reason: Problem): Promise<void> {
    const calls = [...(this.#bySession.get(sessionId) ?? [])];
    for (const call of calls) call.abort.abort(reason);
    await Promise.all(calls.map((call) => call.ended));
  }

  /** Ends the streams that would not be let in any more. One that cannot be asked about goes on. */
  async recheck(onFault: (error: unknown) => void): Promise<void> {
    const streams = [...this.#bySession.values()].flatMap((calls) => [...calls].filter(({ stream }) => stream));
    const look = async ({ abort, refusedNow }: LiveCall) => {
      const refused = await refusedNow();
      if (refused) abort.abort(refused);
    };
    await Promise.all(streams.map((call) => look(call).catch(onFault)));
  }

  #endStalled(now: number): void {
    for (const calls of this.#bySession.values())
      for (const call of calls)
        if (!call.stream && now - call.progressAt > STALL_MS)
          call.abort.abort(
            new Problem('call-stalled', 504, `No byte of this call moved for ${STALL_MS / 1000} s.`, {
              next: 'Try again; a stream that must stay open sends something now and then.',
            }),
          );
  }

  [Symbol.dispose](): void {
    clearInterval(this.#sweep);
  }
}

function streamsAmong(calls: Set<LiveCall>): number {
  let sum = 0;
  for (const { stream } of calls) if (stream) sum++;
  return sum;
}
