/** Screens, rebuilt from recordings by a worker thread that starts with the first and is replaced when it dies. */
import { Worker } from 'node:worker_threads';
import type { Screen } from '../domain/recording.ts';
import type { ScreenAnswer, ScreenJob } from './screen-worker.ts';

/** An emulator with its scrollback takes 2 MB, a thousand columns 20: the thread needs no more than this. */
const HEAP_MB = 256;

export class Screens implements AsyncDisposable {
  #worker: Worker | undefined;
  #nextId = 1;
  readonly #waiting = new Map<number, PromiseWithResolvers<Screen>>();
  #closed = false;

  /** Starts the thread ahead of the first person who waits for it. */
  warm(): void {
    this.#thread();
  }

  /** Rejects where the recording cannot be read. */
  rebuild(job: Omit<ScreenJob, 'id'>): Promise<Screen> {
    const id = this.#nextId++;
    const waiting = Promise.withResolvers<Screen>();
    this.#waiting.set(id, waiting);
    this.#thread().postMessage({ ...job, id } satisfies ScreenJob);
    return waiting.promise;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    await this.#worker?.terminate();
  }

  #thread(): Worker {
    if (this.#worker) return this.#worker;
    if (this.#closed) throw new Error('no screens are rebuilt any more');
    const worker = new Worker(new URL('./screen-worker.ts', import.meta.url), {
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MB },
    });
    worker.on('message', (answer: ScreenAnswer) => {
      const waiting = this.#waiting.get(answer.id);
      this.#waiting.delete(answer.id);
      if ('screen' in answer) waiting?.resolve(answer.screen);
      else waiting?.reject(new Error(answer.message));
    });
    worker.on('error', (error) => this.#lost(worker, error));
    worker.on('exit', () => this.#lost(worker, new Error('the thread that rebuilds screens ended')));
    // it alone keeps no process alive
    worker.unref();
    this.#worker = worker;
    return worker;
  }

  #lost(worker: Worker, error: unknown): void {
    if (this.#worker !== worker) return;
    this.#worker = undefined;
    for (const waiting of this.#waiting.values()) waiting.reject(error);
    this.#waiting.clear();
  }
}
