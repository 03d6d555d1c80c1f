/** What can be done on the server itself. Whoever may run this owns the database anyway; each use is audited. */
import { randomBytes } from 'node:crypto';
import { userInfo } from 'node:os';
import { text } from 'node:stream/consumers';
import type { Db } from '../../db/client.ts';
import { findUserByIdentity, updateUser, type UserRow } from '../../db/queries/users.ts';
import { listRoles } from '../../db/queries/roles.ts';
import { endWebSessions } from '../../db/queries/web-sessions.ts';
import { backup, restore } from '../../db/backup.ts';
import { directAudit } from '../audit/direct.ts';
import { createUser } from '../auth/accounts.ts';
import { hashPassword } from '../auth/password.ts';
import { insertNewToken } from '../auth/api-tokens.ts';
import type { Config } from '../config/config.ts';
import { openDataDir } from '../config/data-dir.ts';
import type { DatabaseUrls } from '../database.ts';
import type { AuditEvent } from '../domain/audit-codes.ts';
import type { Scope } from '../domain/person.ts';
import { Problem } from '../domain/problem.ts';
import { seedRoles } from '../access/roles.ts';
import type { Announce } from './announcing.ts';
import { addCluster, leaveClusters } from './clusters.ts';
import { rotateMaster, rotateSigning } from './keys.ts';

type Opened = {
  config: Config;
  db: Db;
  urls: DatabaseUrls;
  values: Record<string, string | undefined>;
  announce: Announce;
};

export type Command = {
  name: string;
  says: string;
  options: Record<string, { required?: boolean; flag?: boolean; value?: string }>;
  /** Its answer is printed as JSON. */
  run(opened: Opened): Promise<object>;
};

const email = { required: true, value: 'EMAIL' };
/** Days. */
const TOKEN_LIFE = 90;

export const commands: Command[] = [
  {
    name: 'user add',
    says: 'Make a local user, or give an existing one a new password; enabled, and with the role named. Prints the password that it made.',
    options: {
      email,
      name: { value: 'NAME' },
      role: { value: 'ROLE' },
      'password-stdin': { flag: true },
    },
    run: addUser,
  },
  {
    name: 'user password',
    says: 'Set a local user’s password, and end their sign-ins.',
    options: { email, 'password-stdin': { flag: true } },
    run: async (opened) => {
      const user = await localUser(opened);
      const password = await newPassword(opened);
      await change(opened, user, { passwordHash: await hashPassword(password.text) }, 'user.updated', {
        password: true,
      });
      return { email: user.email, ...password.shown };
    },
  },
  {
    name: 'user enable',
    says: 'Let a disabled local user in again.',
    options: { email },
    run: async (opened) => {
      const user = await localUser(opened);
      await change(opened, user, { disabledAt: null }, 'user.enabled', {});
      return { email: user.email, enabled: true };
    },
  },
  {
    name: 'token create',
    says: 'Make an API token of a local user; by default with every scope.',
    options: {
      email,
      name: { required: true, value: 'NAME' },
      scopes: { value: 'read,sessions,admin' },
      days: { value: 'DAYS' },
    },
    run: createToken,
  },
  {
    name: 'cluster add',
    says: 'Install the portal’s own account with your kubeconfig (any that kubectl takes), and register the cluster; again: renew its token.',
    options: {
      name: { required: true, value: 'NAME' },
      kubeconfig: { required: true, value: 'FILE' },
      context: { value: 'NAME' },
      namespace: { value: 'NAMESPACE' },
      production: { flag: true },
      impersonate: { flag: true },
    },
    run: addCluster,
  },
  {
    name: 'clusters leave',
    says: 'Remove from every registered cluster what this portal put there: sessions’ accounts, then its own; with your kubeconfig also its namespace and roles. The portal must not run.',
    options: { kubeconfig: { value: 'FILE' }, context: { value: 'NAME' }, except: { value: 'CLUSTER' } },
    run: leaveClusters,
  },
  {
    name: 'keys rotate',
    says: 'Put a new signing key first; the present ones go on verifying. Takes effect at the next start.',
    options: {},
    run: rotateSigning,
  },
  {
    name: 'keys rotate-master',
    says: 'Put a new master key in place of the present one, and re-wrap all that is sealed under it; the portal must not run. Called again after a crash, it goes on.',
    options: {},
    run: rotateMaster,
  },
  {
    name: 'database url',
    says: 'Print the database’s address as the role that owns the tables, for pg_dump and pg_restore. It holds a password.',
    options: {},
    run: async ({ urls }) => ({ url: urls.migrationUrl }),
  },
  {
    name: 'backup',
    says: 'Write the database into one file, closed to others; the portal may go on running. Keys and recordings are files: copy them too.',
    options: { to: { required: true, value: 'FILE' } },
    run: async ({ urls, values }) => backup(urls.migrationUrl, values['to']!),
  },
  {
    name: 'restore',
    says: 'Fill an empty database from such a file, of this version; the portal must not run.',
    options: { from: { required: true, value: 'FILE' } },
    run: async ({ config, urls, values }) => {
      using _lock = openDataDir(config.dataDir);
      return await restore(urls.migrationUrl, values['from']!);
    },
  },
];

async function addUser(opened: Opened): Promise<object> {
  const { db, config, values } = opened;
  const address = values['email']!.toLowerCase();
  if (!/^[^\s@]{1,64}@[^\s@]{1,189}$/.test(address))
    throw new Problem('invalid-email', 400, `"${address}" is no email address.`);
  await seedRoles(
    db,
    {
      adminGroups: config.signIn.adminGroups,
      developerNamespaces: config.developerNamespaces,
      defaults: config.sessionDefaults,
    },
    new Date(),
  );
  const groups = values['role'] === undefined ? [] : [await groupOf(db, values['role'])];
  const password = await newPassword(opened);
  const passwordHash = await hashPassword(password.text);
  const name = values['name'] ?? address;
  const created = await createUser(db, {
    provider: 'local',
    issuer: 'local',
    subject: address,
    email: address,
    name,
    groups,
    passwordHash,
  });
  if (created) await record(opened, 'user.created', created, { provider: 'local', groups });
  else {
    const user = await localUser(opened);
    const facts = { passwordHash, disabledAt: null, groups: [...new Set([...user.groups, ...groups])] };
    await change(opened, user, facts, 'user.updated', { password: true, groups: facts.groups, enabled: true });
  }
  return { email: address, ...password.shown };
}

async function createToken(opened: Opened): Promise<object> {
  const { db, values } = opened;
  const user = await localUser(opened);
  const scopes = (values['scopes'] ?? 'read,sessions,admin').split(',') as Scope[];
  if (scopes.some((scope) => !['read', 'sessions', 'admin'].includes(scope)))
    throw new Problem('invalid-scopes', 400, 'Scopes are read, sessions and admin, separated by commas.');
  const days = Number(values['days'] ?? TOKEN_LIFE);
  if (!(Number.isInteger(days) && days >= 1 && days <= 365))
    throw new Problem('invalid-days', 400, '--days is a whole number from 1 to 365.');
  const { row, token } = await insertNewToken(db, user.id, { name: values['name']!, scopes, days }, new Date());
  await record(opened, 'token.created', user, { id: row.id, name: row.name, scopes, expiresAt: row.expiresAt });
  return { token, expiresAt: row.expiresAt };
}

/** A role is had by its groups; the first of them stands for it. */
async function groupOf(db: Db, role: string): Promise<string> {
  const group = (await listRoles(db)).find(({ name }) => name === role)?.groups[0];
  if (group === undefined)
    throw new Problem('role-without-group', 409, `There is no role "${role}", or it has no group.`);
  return group;
}

async function localUser({ db, values }: Opened): Promise<UserRow> {
  const user = await findUserByIdentity(db, 'local', values['email']!.toLowerCase());
  if (!user) throw new Problem('user-not-found', 404, `There is no local user ${values['email']}.`);
  return user;
}

async function change(
  opened: Opened,
  user: UserRow,
  facts: Parameters<typeof updateUser>[2],
  code: AuditEvent['code'],
  detail: Record<string, unknown>,
): Promise<void> {
  const { db, announce } = opened;
  await updateUser(db, user.id, facts);
  await announce(db, 'user', user.id);
  if (facts.passwordHash !== undefined)
    for (const id of await endWebSessions(db, { userId: user.id }, new Date())) await announce(db, 'web-session', id);
  await record(opened, code, user, detail);
}

async function newPassword({ values }: Opened): Promise<{ text: string; shown: { password?: string } }> {
  if (values['password-stdin'] === undefined) {
    const made = randomBytes(15).toString('base64url');
    return { text: made, shown: { password: made } };
  }
  const given = (await text(process.stdin)).replace(/\r?\n$/, '');
  if (given.length < 12 || given.length > 1024)
    throw new Problem('weak-password', 400, 'A password has 12 to 1024 characters.');
  return { text: given, shown: {} };
}

async function record(
  opened: Opened,
  code: AuditEvent['code'],
  user: UserRow,
  detail: Record<string, unknown>,
): Promise<void> {
  await directAudit(opened.db).record({
    at: new Date(),
    code,
    actorId: null,
    actor: `${userInfo().username} (command on the server)`,
    detail: { id: user.id, email: user.email, ...detail },
  });
}
