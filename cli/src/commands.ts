/** What each command does, once its words are understood. */
import { rmSync } from 'node:fs';
import { authorityOf, rememberPortal, whichPortal } from './config.ts';
import { credentialFor, keptCredentials, type Credential } from './credential.ts';
import { Failure, misused, plain } from './failure.ts';
import type { Environment } from './folders.ts';
import { Portal, Refusal } from './portal.ts';
import { byBrowser, byDevice } from './sign-in.ts';
import { currentSignIn, forgetPortal, savedSignIn, saveSignIn } from './sign-in-file.ts';

export type Words = { values: Record<string, string | boolean | undefined>; positionals: string[] };
export type Terminal = {
  env: Environment;
  /** Who started this process. */
  parent: number;
  out(text: string): void;
  /** For people, while something is on its way. */
  say(line: string): void;
};
export type Run = (words: Words, terminal: Terminal) => Promise<void>;

function text(words: Words, name: string): string | undefined {
  const value = words.values[name];
  return typeof value === 'string' ? value : undefined;
}

function portalOf(words: Words, { env }: Terminal): Portal {
  const origin = whichPortal(env, text(words, 'portal'));
  return new Portal(origin, authorityOf(env, origin, text(words, 'ca')));
}

/** RFC 1123: what clusters, roles and namespaces are called, and what fits the name of a file. */
function label(what: string, name: string | undefined): string {
  if (name === undefined || !/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(name))
    throw misused(`“${name ?? ''}” is no name of a ${what}: lower-case letters, digits and -, at most 63.`);
  return name;
}

function roleOf(words: Words): string | null {
  const role = text(words, 'role');
  return role === undefined ? null : label('role', role);
}

export const login: Run = async (words, terminal) => {
  const { env } = terminal;
  const portal = portalOf(words, terminal);
  const metadata = await portal.metadata();
  const way = words.values['device'] ? byDevice : byBrowser;
  const { access_token: token, expires_in } = await way(portal, metadata, terminal.say);
  const expiresAt = new Date(Date.now() + expires_in * 1_000);
  const before = savedSignIn(env, portal.origin);
  saveSignIn(env, portal.origin, { token, expiresAt: expiresAt.toISOString() });
  rememberPortal(env, portal.origin, text(words, 'ca'));
  // One sign-in for a machine: what nobody knows any more should open nothing.
  if (before) await portal.form(metadata.revocation_endpoint, { token: before.token }).catch(() => {});
  const me = await portal.api<{ name: string; email: string }>(token, 'GET', '/me');
  terminal.out(`Signed in at ${portal.origin} as ${plain(me.name)} <${plain(me.email)}>, until ${clock(expiresAt)}.\n`);
};

export const logout: Run = async (words, terminal) => {
  const { env } = terminal;
  const portal = portalOf(words, terminal);
  const signIn = savedSignIn(env, portal.origin);
  forgetPortal(env, portal.origin);
  if (!signIn) return terminal.out(`You were not signed in at ${portal.origin}.\n`);
  try {
    const { revocation_endpoint } = await portal.metadata();
    await portal.form(revocation_endpoint, { token: signIn.token, token_type_hint: 'access_token' });
  } catch (error) {
    throw new Failure(
      `This machine has forgotten the sign-in, but the portal could not be told: ${(error as Error).message} Until ${clock(new Date(signIn.expiresAt))} you can revoke it on your account page.`,
      { cause: error },
    );
  }
  terminal.out(`Signed out of ${portal.origin}. Credentials that kubectl had from this sign-in have ended.\n`);
};

export const whoami: Run = async (words, terminal) => {
  const portal = portalOf(words, terminal);
  const { token, expiresAt } = currentSignIn(terminal.env, portal.origin);
  type Me = { name: string; email: string; roles: string[] };
  const { name, email, roles } = await portal.api<Me>(token, 'GET', '/me');
  terminal.out(`${plain(name)} <${plain(email)}> at ${portal.origin}\n`);
  terminal.out(`Roles: ${roles.map(plain).join(', ') || 'none'}\nSigned in until ${clock(new Date(expiresAt))}\n`);
};

export const kubeLs: Run = async (words, terminal) => {
  const portal = portalOf(words, terminal);
  const { token } = currentSignIn(terminal.env, portal.origin);
  type Cluster = { name: string; production: boolean; roles: string[]; health: { state: string } };
  const { items } = await portal.api<{ items: Cluster[] }>(token, 'GET', '/clusters');
  const usable = items.filter(({ roles }) => roles.length > 0);
  if (!usable.length) return terminal.out('No cluster is registered that a role of yours reaches.\n');
  const rows = usable.map(({ name, production, roles, health }) => [
    name,
    production ? 'production' : '-',
    health.state,
    roles.join(','),
  ]);
  terminal.out(columns([['CLUSTER', 'KIND', 'HEALTH', 'ROLES'], ...rows]));
};

export const kubeLogin: Run = async (words, terminal) => {
  const cluster = label('cluster', words.positionals[0]);
  const portal = portalOf(words, terminal);
  const role = roleOf(words);
  const chosen = text(words, 'namespace');
  const namespace = chosen === undefined ? undefined : label('namespace', chosen);
  const name = text(words, 'context') ?? `sallyport-${cluster}${role === null ? '' : `-${role}`}`;
  // Nobody's process: the first kubectl finds it confirmed.
  const found: Credential = await credentialFor(terminal.env, portal, { cluster, role }, 0);
  const { server, authority } = found;
  const entry = { name, portal: portal.origin, cluster, role, server, authority };
  const { addContext } = await kubeconfigFiles();
  const file = await addContext(terminal.env, { ...entry, namespace: namespace ?? found.namespace });
  terminal.out(`The context ${name} is in ${file}, and is the current one. Try: kubectl get pods\n`);
};

export const kubeLogout: Run = async (words, terminal) => {
  const [given] = words.positionals;
  const cluster = given === undefined ? null : label('cluster', given);
  const portal = portalOf(words, terminal);
  const kept = keptCredentials(terminal.env, portal.origin, cluster);
  const { removeContexts } = await kubeconfigFiles();
  const removed = await removeContexts(terminal.env, { portal: portal.origin, cluster });
  const signIn = savedSignIn(terminal.env, portal.origin);
  for (const { file, id } of kept) {
    rmSync(file, { force: true });
    if (signIn) await revoke(portal, signIn.token, id);
  }
  terminal.out(
    removed.length
      ? `Removed from your kubeconfig: ${removed.join(', ')}. Their credentials are revoked.\n`
      : 'Your kubeconfig had no context of this portal’s to remove.\n',
  );
};

/** Of kubectl, which shows what is said on stderr. */
export const kubeCredential: Run = async (words, terminal) => {
  const cluster = label('cluster', text(words, 'cluster'));
  const portal = portalOf(words, terminal);
  const { token, expiresAt } = await credentialFor(
    terminal.env,
    portal,
    { cluster, role: roleOf(words) },
    terminal.parent,
  );
  const credential = {
    apiVersion: 'client.authentication.k8s.io/v1',
    kind: 'ExecCredential',
    // Go's parser of times knows no fractions of a second that it cannot keep.
    status: { token, expirationTimestamp: expiresAt.replace(/\.\d+/, '') },
  };
  terminal.out(`${JSON.stringify(credential)}\n`);
};

/** With the parser of YAML, which kubectl's starts need not wait for. */
const kubeconfigFiles = () => import('./kubeconfig-files.ts');

/** What has ended already needs no end. */
async function revoke(portal: Portal, token: string, id: string): Promise<void> {
  try {
    await portal.api(token, 'DELETE', `/me/kubeconfigs/${encodeURIComponent(id)}`);
  } catch (error) {
    // Without a sign-in there is none of its credentials left.
    if (!(error instanceof Refusal && [401, 404, 409].includes(error.status))) throw error;
  }
}

function columns(rows: string[][]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => plain(row[column]!).length)));
  return rows
    .map(
      (row) =>
        `${row
          .map((cell, column) => plain(cell).padEnd(widths[column]!))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('');
}

function clock(date: Date): string {
  return date.toLocaleString('sv-SE', { dateStyle: 'short', timeStyle: 'short' });
}
