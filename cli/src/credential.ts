/**
 * A cluster's credential, kept until it ends, and when to believe it. client-go asks once a process, and again only
 * after the API has answered 401: a process that comes back was refused with what it got.
 */
import { createHash } from 'node:crypto';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { Failure } from './failure.ts';
import { namesIn, privateFolder, readJson, stateFolder, writeJson, type Environment } from './folders.ts';
import { Unreachable } from './http.ts';
import { withLock } from './lock.ts';
import { Refusal, type Portal } from './portal.ts';
import { currentSignIn } from './sign-in-file.ts';

export type Credential = {
  /** Of the session behind it. */
  id: string;
  token: string;
  expiresAt: string;
  server: string;
  /** Base64 of PEM, or null. */
  authority: string | null;
  namespace: string;
};
type Kept = Credential & {
  cluster: string;
  role: string | null;
  /** When the portal last said that it is valid, ms. */
  confirmedAt: number;
  /** Processes that have got it since. */
  handedTo: number[];
};

/** Ms. With less left a command might outlive it. */
const LEAST_LEFT_MS = 60_000;
/** Ms. For so long the portal's word is taken for granted, so that a script of a hundred calls asks it once. */
const BELIEVED_MS = 30_000;

/** What to do with a credential that a process asks for. */
export function nextStep(
  kept: Pick<Kept, 'expiresAt' | 'confirmedAt' | 'handedTo'> | null,
  asker: number,
  now: number,
): 'renew' | 'confirm' | 'hand out' {
  if (!kept || !(Date.parse(kept.expiresAt) - now >= LEAST_LEFT_MS)) return 'renew';
  const age = now - kept.confirmedAt;
  return age >= 0 && age < BELIEVED_MS && !kept.handedTo.includes(asker) ? 'hand out' : 'confirm';
}

type Wish = { cluster: string; role: string | null };

export function keptFile(env: Environment, portal: string, { cluster, role }: Wish): string {
  const key = createHash('sha256')
    .update(JSON.stringify([cluster, role]))
    .digest('hex')
    .slice(0, 12);
  return join(stateFolder(env, portal), `credential-${cluster}-${key}.json`);
}

/** Those of a cluster, or of all, and where each is kept. */
export function keptCredentials(
  env: Environment,
  portal: string,
  cluster: string | null,
): { file: string; id: string }[] {
  const folder = stateFolder(env, portal);
  return namesIn(folder)
    .filter((name) => /^credential-.*\.json$/.test(name))
    .flatMap((name) => {
      const file = join(folder, name);
      const found = readJson<Kept>(file);
      return found && (cluster === null || found.cluster === cluster) ? [{ file, id: found.id }] : [];
    });
}

/** For `asker`, a process id; of several that ask at once, one asks the portal. Throws Failure. */
export async function credentialFor(env: Environment, portal: Portal, wish: Wish, asker: number): Promise<Credential> {
  const { token } = currentSignIn(env, portal.origin);
  const file = keptFile(env, portal.origin, wish);
  privateFolder(stateFolder(env, portal.origin));
  return withLock(`${file}.lock`, async () => {
    const found = readJson<Kept>(file);
    const step = nextStep(found, asker, Date.now());
    if (found && step === 'hand out') {
      writeJson(file, { ...found, handedTo: [...found.handedTo, asker] });
      return found;
    }
    if (found && step === 'confirm') {
      const word = await wordOn(portal, token, found.id);
      if (word === 'unknown') return found;
      if (word === 'valid') {
        writeJson(file, { ...found, confirmedAt: Date.now(), handedTo: [asker] });
        return found;
      }
    }
    rmSync(file, { force: true });
    const made = await issue(portal, token, wish);
    writeJson(file, { ...made, ...wish, confirmedAt: Date.now(), handedTo: [asker] } satisfies Kept);
    return made;
  });
}

/** Where the portal cannot be asked, the gateway has the last word. Throws Failure where the sign-in is over. */
async function wordOn(portal: Portal, token: string, id: string): Promise<'valid' | 'ended' | 'unknown'> {
  try {
    const { state } = await portal.api<{ state: string }>(token, 'GET', `/me/kubeconfigs/${encodeURIComponent(id)}`);
    return state === 'active' || state === 'dormant' ? 'valid' : 'ended';
  } catch (error) {
    if (error instanceof Refusal && error.status === 404) return 'ended';
    if (error instanceof Unreachable) return 'unknown';
    if (error instanceof Refusal && (error.status === 429 || error.status >= 500)) return 'unknown';
    throw error;
  }
}

/** When it ends, by this machine's clock: the portal's may stand elsewhere, and what counts for kubectl is this one. */
export function endHere({ openedAt, expiresAt }: { openedAt: string; expiresAt: string }, now: number): string {
  return new Date(now + Date.parse(expiresAt) - Date.parse(openedAt)).toISOString();
}

type Issued = { kubeconfig: string; credentials: { id: string; openedAt: string; expiresAt: string }[] };
type Kubeconfig = {
  clusters: { cluster: { server: string; 'certificate-authority-data'?: string } }[];
  users: { user: { token: string } }[];
  contexts: { context: { namespace?: string } }[];
};

async function issue(portal: Portal, token: string, { cluster, role }: Wish): Promise<Credential> {
  const wish = { clusters: [cluster], ...(role === null ? {} : { role }) };
  const { kubeconfig, credentials } = await portal.api<Issued>(token, 'POST', '/me/kubeconfigs', wish);
  // Loaded where it is needed: most of kubectl's starts need none, and wait for this program.
  const { parse } = await import('yaml');
  const { clusters, users, contexts } = parse(kubeconfig) as Kubeconfig;
  const [credential, at, user, context] = [credentials[0], clusters[0]?.cluster, users[0]?.user, contexts[0]?.context];
  if (!credential || !at || !user || !context)
    throw new Failure('The portal answered with no credential. It may be of another version than this program.');
  return {
    id: credential.id,
    token: user.token,
    expiresAt: endHere(credential, Date.now()),
    server: at.server,
    authority: at['certificate-authority-data'] ?? null,
    namespace: context.namespace ?? 'default',
  };
}
