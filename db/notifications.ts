/**
 * Postgres' LISTEN and NOTIFY: how a change made by one replica reaches the caches of all. A replica that lost its
 * listening connection may have missed something: it tells everyone to forget what they cached.
 */
import { sql as text } from 'drizzle-orm';
import postgres from 'postgres';
import type { Db } from './client.ts';

const CHANNEL = 'sallyport';
/** Between attempts to listen again. Short: until it succeeds, every cached answer costs a query. */
const RETRY_MS = 500;

/** What changed; the id says which row. */
export type Topic = 'web-session' | 'api-token' | 'user' | 'role' | 'cluster' | 'access-session' | 'ticket';

type Handler = (id: string) => void;

/** Sends when the surrounding transaction commits; at once outside of one. */
export async function notify(db: Db, topic: Topic, id: string): Promise<void> {
  await db.execute(text`select pg_notify(${CHANNEL}, ${JSON.stringify({ topic, id })})`);
}

export class Notifications implements AsyncDisposable {
  readonly #url: string;
  readonly #handlers = new Map<Topic, Set<Handler>>();
  readonly #resetHandlers = new Set<() => void>();
  #client: postgres.Sql | undefined;
  #listening = false;
  #disposed = false;
  #retry: NodeJS.Timeout | undefined;

  constructor(url: string) {
    this.#url = url;
  }

  /** While false, changes are being missed: ask the database instead of a cache. */
  get listening(): boolean {
    return this.#listening;
  }

  /** Calls `handler` with the id of each changed row of `topic`. Returns how to stop that. */
  on(topic: Topic, handler: Handler): () => void {
    const handlers = this.#handlers.get(topic) ?? new Set();
    this.#handlers.set(topic, handlers.add(handler));
    return () => handlers.delete(handler);
  }

  /** Calls `handler` when notifications may have been missed: forget every cached row, look again at what matters. */
  onReset(handler: () => void): () => void {
    this.#resetHandlers.add(handler);
    return () => this.#resetHandlers.delete(handler);
  }

  /** Resolves once listening. Throws the driver's error when the first attempt fails; later ones are retried. */
  async start(): Promise<void> {
    // postgres.js' own listen() gives up when the server is still away at the second attempt, so this is by hand.
    const client = postgres(this.#url, {
      max: 1,
      connect_timeout: 5,
      idle_timeout: 0,
      max_lifetime: null,
      fetch_types: false,
      connection: { application_name: 'sallyport notifications' },
      onclose: () => this.#lost(client),
      onnotify: (_channel: string, payload: string) => this.#receive(payload),
    } as postgres.Options<Record<string, never>>);
    this.#client = client;
    await client`listen ${client(CHANNEL)}`;
    this.#listening = true;
  }

  /**
   * Tells every replica, and this one before it returns: who is answered after a change finds it made, however slowly
   * Postgres delivers.
   */
  async announce(db: Db, topic: Topic, id: string): Promise<void> {
    await notify(db, topic, id);
    this.#dispatch(topic, id);
  }

  #receive(payload: string): void {
    const { topic, id } = JSON.parse(payload) as { topic: Topic; id: string };
    this.#dispatch(topic, id);
  }

  #dispatch(topic: Topic, id: string): void {
    for (const handler of this.#handlers.get(topic) ?? []) handler(id);
  }

  #lost(client: postgres.Sql): void {
    if (client !== this.#client || this.#disposed) return;
    if (this.#listening) {
      this.#listening = false;
      this.#reset();
    }
    this.#client = undefined;
    void client.end({ timeout: 0 });
    this.#retryLater();
  }

  #retryLater(): void {
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => {
      this.start().then(
        () => this.#reset(),
        () => {
          void this.#client?.end({ timeout: 0 });
          this.#client = undefined;
          if (!this.#disposed) this.#retryLater();
        },
      );
    }, RETRY_MS);
    this.#retry.unref();
  }

  #reset(): void {
    for (const handler of this.#resetHandlers) handler();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposed = true;
    this.#listening = false;
    clearTimeout(this.#retry);
    await this.#client?.end({ timeout: 1 });
  }
}
