/** The groups through which somebody has a role: who they are on a cluster where they are impersonated. */
import type { Db } from '../../db/client.ts';
import type { Notifications } from '../../db/notifications.ts';
import { findUser } from '../../db/queries/users.ts';
import type { Roles } from './roles.ts';

/** Forgotten all at once: they are asked for again. */
const MOST = 10_000;

export type PersonGroupsDeps = {
  db: Db;
  notifications: Pick<Notifications, 'on' | 'onReset' | 'listening'>;
  roles: Pick<Roles, 'list'>;
};

export class PersonGroups {
  readonly #deps: PersonGroupsDeps;
  readonly #known = new Map<string, Promise<string[]>>();

  constructor(deps: PersonGroupsDeps) {
    this.#deps = deps;
    deps.notifications.on('user', (id) => this.#known.delete(id));
    deps.notifications.onReset(() => this.#known.clear());
  }

  /** As the portal knows them now, in the order of the person's own. */
  async of(userId: string, role: string): Promise<string[]> {
    const [own, roles] = await Promise.all([this.#groups(userId), this.#deps.roles.list()]);
    const given = roles.find(({ name }) => name === role)?.groups ?? [];
    return own.filter((group) => given.includes(group));
  }

  #groups(userId: string): Promise<string[]> {
    const known = this.#known.get(userId);
    if (known && this.#deps.notifications.listening) return known;
    const asked = findUser(this.#deps.db, userId).then((user) => user?.groups ?? []);
    if (this.#known.size >= MOST) this.#known.clear();
    this.#known.set(userId, asked);
    asked.catch(() => this.#known.delete(userId));
    return asked;
  }
}
