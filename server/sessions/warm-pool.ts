/**
 * Sandboxes that wait: started, their session host proven, their serving certificate made, no credential in them.
 * One is taken by an opening and never used twice.
 */
import { randomUUID } from 'node:crypto';
import type { Log } from './parts.ts';
import { newSecret, type EquippedSandbox, type Sandboxes } from './sandboxes.ts';

/** The claimer's shell starts now, and its person types: a container that starts beside it would take its CPU. */
const CALM_MS = 1_500;
/** Between attempts while the engine is away: doubled from the first to the last. */
const RETRY_FIRST_MS = 1_000;
const RETRY_LAST_MS = 30_000;

export type WarmPoolDeps = { sandboxes: Pick<Sandboxes, 'make' | 'discard'>; size: number; log: Log; calmMs?: number };

export class WarmPool implements AsyncDisposable {
  readonly #deps: WarmPoolDeps;
  readonly #waiting: EquippedSandbox[] = [];
  /** Taken, and not yet a session's. */
  readonly #taken = new Set<EquippedSandbox>();
  readonly #abort = new AbortController();
  #making: { id: string; done: Promise<void> } | undefined;
  #timer: NodeJS.Timeout | undefined;
  #notBefore = 0;
  #retryMs = RETRY_FIRST_MS;
  #error: Error | undefined;

  constructor(deps: WarmPoolDeps) {
    this.#deps = deps;
  }

  /** Fills the pool in the background, one sandbox after the other. */
  start(): void {
    this.#schedule();
  }

  /** Sandboxes of the pool, the one that is being made included: they are nobody's leftovers. */
  ids(): string[] {
    const made = [...this.#waiting, ...this.#taken].map((warm) => warm.id);
    return this.#making ? [...made, this.#making.id] : made;
  }

  get ready(): number {
    return this.#waiting.filter((warm) => warm.terminal.answering).length;
  }

  /** What kept the last attempt from making one; undefined while all is well. */
  get error(): Error | undefined {
    return this.#error;
  }

  /** The engine is back: another attempt comes at once. */
  retry(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#notBefore = 0;
    this.#retryMs = RETRY_FIRST_MS;
    this.#schedule();
  }

  /** The oldest that answers, which is now the caller's to call {@link claimed} or {@link giveBack}. Undefined where none waits. */
  take(): EquippedSandbox | undefined {
    const at = this.#waiting.findIndex((warm) => warm.terminal.answering);
    const [taken] = at < 0 ? [] : this.#waiting.splice(at, 1);
    if (taken) this.#taken.add(taken);
    if (taken) this.#notBefore = Date.now() + (this.#deps.calmMs ?? CALM_MS);
    this.#schedule();
    return taken;
  }

  /** A sandbox that was taken is a session's, or gone. */
  claimed(warm: EquippedSandbox): void {
    this.#taken.delete(warm);
  }

  /** A sandbox that was taken and told nothing. */
  giveBack(warm: EquippedSandbox): void {
    this.#taken.delete(warm);
    if (this.#abort.signal.aborted) void this.#deps.sandboxes.discard(warm).catch(() => {});
    else this.#waiting.unshift(warm);
  }

  #schedule(): void {
    if (this.#abort.signal.aborted || this.#making || this.#timer) return;
    if (this.#waiting.length >= this.#deps.size) return;
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined;
        // A claim in between moved the moment.
        if (this.#notBefore > Date.now()) this.#schedule();
        else this.#make();
      },
      Math.max(0, this.#notBefore - Date.now()),
    );
    this.#timer.unref();
  }

  #make(): void {
    const id = randomUUID();
    const done = this.#deps.sandboxes.make(id, newSecret(), this.#abort.signal).then(
      (warm) => this.#made(warm),
      (error: Error) => this.#failed(error),
    );
    this.#making = { id, done };
  }

  async #made(warm: EquippedSandbox): Promise<void> {
    this.#making = undefined;
    this.#error = undefined;
    this.#retryMs = RETRY_FIRST_MS;
    if (this.#abort.signal.aborted) return this.#deps.sandboxes.discard(warm).catch(() => {});
    this.#waiting.push(warm);
    // Killed, or its engine stopped: it must not be handed out.
    void warm.sandbox.exited.then(() => this.#drop(warm));
    this.#schedule();
  }

  #failed(error: Error): void {
    this.#making = undefined;
    if (this.#abort.signal.aborted) return;
    if (this.#error?.message !== error.message)
      this.#deps.log.warn({ err: error }, 'no warm sandbox could be made; sessions start cold');
    this.#error = error;
    this.#retryLater();
  }

  #drop(warm: EquippedSandbox): void {
    const at = this.#waiting.indexOf(warm);
    if (at < 0) return; // taken: its session hears of the exit itself
    this.#waiting.splice(at, 1);
    this.#deps.log.warn({ sandbox: warm.id }, 'a warm sandbox stopped by itself');
    void this.#deps.sandboxes.discard(warm).catch(() => {}); // what the engine keeps, the reaper removes
    this.#retryLater();
  }

  #retryLater(): void {
    this.#notBefore = Date.now() + this.#retryMs;
    this.#retryMs = Math.min(this.#retryMs * 2, RETRY_LAST_MS);
    this.#schedule();
  }

  /** Drops them all: a warm sandbox does not survive its portal. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#abort.abort(new Error('the portal stops'));
    clearTimeout(this.#timer);
    await this.#making?.done;
    await Promise.allSettled(this.#waiting.splice(0).map((warm) => this.#deps.sandboxes.discard(warm)));
  }
}
