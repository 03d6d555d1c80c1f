/** What runs by itself: the take-over at the start, the clocks, the reaper, revocations as they happen. */
import { settledWithin } from './bounds.ts';
import type { Log } from './parts.ts';
import type { SandboxRuntime } from '../ports/sandbox-runtime.ts';
import { watchEngine } from './engine-watch.ts';
import { Rounds } from './rounds.ts';
import type { Sessions } from './sessions.ts';
import type { WarmPool } from './warm-pool.ts';

const TICK_MS = 1_000;
const REAP_MS = 60_000;
/** A listener that was cut is back in half a second: a database that is away that many ticks is away. */
const AWAY_TICKS = 3;
/** What an ending could not remove is tried again once this soon, then in every round. */
const REAP_SOON_MS = 3_000;
/** While the engine is away at the start; its sessions wait with it. */
const RETRY_MS = 2_000;
/** The start waits this long for sessions to be taken up, so that pages which reconnect find them; then goes on. */
const START_MS = 5_000;

/** Of these a session may lose its ground; one that another replica ends is told of by its own id. */
const WATCHED = ['web-session', 'user', 'role', 'cluster', 'access-session'] as const;
type Watched = (typeof WATCHED)[number];

/** Tells of rows that changed; see db/notifications.ts. */
type Changes = {
  on(topic: Watched, handler: () => void): () => void;
  onReset(handler: () => void): () => void;
  /** Whether the database tells at the moment. */
  readonly listening: boolean;
};

export type KeeperDeps = {
  sessions: Sessions;
  pool: WarmPool;
  runtime: Pick<SandboxRuntime, 'health'>;
  changes: Changes;
  log: Log;
};

/** Resolves when the sessions of an earlier run have been taken up, or after a few seconds. Disposing stops it all. */
export async function keepSessions({ sessions, pool, runtime, changes, log }: KeeperDeps): Promise<AsyncDisposable> {
  let stopped = false;
  let retry: NodeJS.Timeout | undefined;
  let reapedAt = 0;

  const takeOver = async (): Promise<void> => {
    try {
      await sessions.takeOver();
    } catch (err) {
      log.warn({ err }, 'sessions of the last run could not be taken up yet');
      if (!stopped) retry = setTimeout(() => void takeOver(), RETRY_MS);
      return;
    }
    if (!stopped) reap();
  };
  const reaping = new Rounds(async () => {
    if (stopped) return;
    reapedAt = performance.now();
    await sessions.reap();
  });
  const reap = (): void => void reaping.run();
  const check = (): void =>
    void sessions.checkRevocations().catch((err: unknown) => log.error({ err }, 'revocations could not be looked up'));

  const stops = WATCHED.map((topic) => changes.on(topic, check));
  const checkAll = (): void => {
    check();
    if (changes.listening) reap(); // the database is back: what could not be written is now
  };
  stops.push(changes.onReset(checkAll));
  const engine = watchEngine(runtime, (answers) => {
    log.warn({ answers }, answers ? 'the container engine answers again' : 'the container engine does not answer');
    sessions.answersAll('engine', answers);
    if (!answers) return;
    pool.retry();
    reap(); // what could not be removed meanwhile
  });
  let unheard = 0;
  const tick = (): void => {
    const before = unheard;
    unheard = changes.listening ? 0 : unheard + 1;
    if (unheard === AWAY_TICKS) sessions.answersAll('database', false);
    if (unheard === 0 && before >= AWAY_TICKS) sessions.answersAll('database', true);
    sessions.tick();
    if (sessions.left && !reaping.running && performance.now() - reapedAt > REAP_SOON_MS) reap();
  };
  const timers = [setInterval(tick, TICK_MS), setInterval(reap, REAP_MS)];
  for (const timer of timers) timer.unref();

  await settledWithin(takeOver(), START_MS);
  pool.start();
  return {
    async [Symbol.asyncDispose]() {
      stopped = true;
      for (const stop of stops) stop();
      for (const timer of timers) clearInterval(timer);
      clearTimeout(retry);
      await engine[Symbol.asyncDispose]();
      await reaping.running;
    },
  };
}
