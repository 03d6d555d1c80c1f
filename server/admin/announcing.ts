/** A change made by a command, told to the portals that run: the command ends when each of them has heard. */
import type { Db } from '../../db/client.ts';
import { Notifications, type Topic } from '../../db/notifications.ts';

/** Resolves when every replica that lives has confirmed, or a second later. */
export type Announce = (db: Db, topic: Topic, id: string) => Promise<void>;

export class Announcing implements AsyncDisposable {
  /** Replicas that live and did not confirm. */
  readonly unconfirmed = new Set<string>();
  readonly #notifications: Notifications;
  #listening: Promise<void> | undefined;

  constructor(url: string) {
    this.#notifications = new Notifications(url, {
      onUnconfirmed: (_topic, _id, replicas) => {
        for (const replica of replicas) this.unconfirmed.add(replica);
      },
    });
  }

  /** Listens from the first change on: most commands make none. Where that fails nobody's word arrives, and it is said. */
  readonly announce: Announce = async (db, topic, id) => {
    this.#listening ??= this.#notifications.start().catch(() => {});
    await this.#listening;
    await this.#notifications.announce(db, topic, id);
  };

  [Symbol.asyncDispose](): Promise<void> {
    return this.#notifications[Symbol.asyncDispose]();
  }
}

/** What the operator is told; they may have run the command to lock somebody out. */
export function unconfirmedSentence(count: number): string {
  const who = count === 1 ? 'One portal that runs has' : `${count} portals that run have`;
  return (
    `the change is made, but ${who} not confirmed it within a second: until it comes to it, sign-ins and terminals ` +
    'may stay open there. Its log and /readyz say what holds it up; docs/operations.md, “Several replicas”.'
  );
}
