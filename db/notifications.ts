/**
 * Postgres' LISTEN and NOTIFY: how a change made by one replica reaches the caches of all, and how each of them says
 * that it has. A replica that lost its listening connection may have missed something: it tells everyone to forget
 * what they cached.
 */
import { randomUUID } from 'node:crypto';
import { sql as text } from 'drizzle-orm';
import postgres from 'postgres';
import { livingOthers, unconfirmed } from '../server/domain/replica-lease.ts';
import type { Db } from './client.ts';
import { replicasSeen } from './queries/replicas.ts';

const CHANNEL = 'sallyport';
/** Between attempts to listen again. Short: until it succeeds, every cached answer costs a query. */
const RETRY_MS = 500;
/** Who makes a change waits this long for the others; a notification takes milliseconds. */
const CONFIRM_MS = 1_000;

/** What changed; the id says which row. */
export type Topic = 'web-session' | 'api-token' | 'user' | 'role' | 'cluster' | 'link-key' | 'access-session';

type Handler = (id: string) => void;

/** `ask`: whoever hears it confirms under that id. */
type Message = { topic: Topic; id: string; ask?: string } | { confirmed: string; by: string };

/** Sends when the surrounding transaction commits; at once outside of one. Waits for nobody. */
export async function notify(db: Db, topic: Topic, id: string): Promise<void> {
  await send(db, { topic, id });
}

async function send(db: Db, message: Message): Promise<void> {
  await db.execute(text`select pg_notify(${CHANNEL}, ${JSON.stringify(message)})`);
}

export type NotificationsOptions = {
  /** The replica that this process is (`replicas.id`): it confirms what it hears. None: a command, which asks only. */
  replica?: string;
  /** A change that these replicas, which live, have not confirmed in time. */
  onUnconfirmed?: (topic: Topic, id: string, replicas: string[]) => void;
};

export class Notifications implements AsyncDisposable {
  readonly #url: string;
  readonly #options: NotificationsOptions;
  /** What to do with a confirmation, by the id that it was asked under. */
  readonly #asked = new Map<string, (by: string) => void>();
  /** Did not confirm the last time: nobody waits for them again until they do. */
  readonly #silent = new Set<string>();
  readonly #handlers = new Map<Topic, Set<Handler>>();
  readonly #resetHandlers = new Set<() => void>();
  #client: postgres.Sql | undefined;
  #listening = false;
  #disposed = false;
  #retry: NodeJS.Timeout | undefined;

  constructor(url: string, options: NotificationsOptions = {}) {
    this.#url = url;
    this.#options = options;
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
   * Tells every replica, this one first, and returns when each that lives has said that it heard: who is answered after
   * a change finds it made, wherever they ask next. Waits for {@link CONFIRM_MS} at most; `onUnconfirmed` is called,
   * before it returns, where that was not enough.
   */
  async announce(db: Db, topic: Topic, id: string): Promise<void> {
    this.#dispatch(topic, id);
    const { replica, onUnconfirmed } = this.#options;
    const others = livingOthers(await replicasSeen(db), replica);
    if (others.length === 0) return notify(db, topic, id);
    const confirmed = await this.#ask(db, { topic, id }, others);
    const late = others.filter((other) => !confirmed.has(other));
    if (late.length === 0) return;
    for (const other of late) this.#silent.add(other);
    const missing = unconfirmed(late, confirmed, await replicasSeen(db));
    if (missing.length > 0) onUnconfirmed?.(topic, id, missing);
  }

  async #ask(db: Db, change: { topic: Topic; id: string }, others: string[]): Promise<Set<string>> {
    const ask = randomUUID();
    const confirmed = new Set<string>();
    const { promise: enough, resolve } = Promise.withResolvers<void>();
    const awaited = others.filter((other) => !this.#silent.has(other));
    const look = () => {
      if (awaited.every((other) => confirmed.has(other))) resolve();
    };
    this.#asked.set(ask, (by) => {
      confirmed.add(by);
      look();
    });
    const timer = setTimeout(resolve, CONFIRM_MS);
    try {
      await send(db, { ...change, ask });
      look();
      await enough;
      return confirmed;
    } finally {
      clearTimeout(timer);
      this.#asked.delete(ask);
    }
  }

  #receive(payload: string): void {
    const message = JSON.parse(payload) as Message;
    if ('confirmed' in message) {
      this.#silent.delete(message.by);
      this.#asked.get(message.confirmed)?.(message.by);
      return;
    }
    this.#dispatch(message.topic, message.id);
    if (message.ask !== undefined && this.#options.replica !== undefined)
      this.#confirm(message.ask, this.#options.replica);
  }

  /** By the connection that listens: one that is in order. A lost one is noticed, and then everything is looked up. */
  #confirm(ask: string, by: string): void {
    if (this.#asked.has(ask)) return; // its own
    const client = this.#client;
    if (!client) return;
    const message: Message = { confirmed: ask, by };
    client`select pg_notify(${CHANNEL}, ${JSON.stringify(message)})`.catch(() => {});
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
