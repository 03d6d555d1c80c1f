/**
 * `keys …`: new keys in place of old ones, with everything that the old ones were used for.
 *
 * The master key is replaced in three steps, each of which may be the last one before a crash: the new key is put
 * before the old one (both open), all records are re-wrapped in one transaction, the old key is dropped. Called again,
 * the command goes on where it stopped.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { userInfo } from 'node:os';
import type { Db } from '../../db/client.ts';
import { replicasSeen } from '../../db/queries/replicas.ts';
import { columnsHolding, rewrapSealedRecords } from '../../db/queries/sealed-records.ts';
import { directAudit } from '../audit/direct.ts';
import type { Config } from '../config/config.ts';
import { openDataDir } from '../config/data-dir.ts';
import { addMasterKey, dropOldMasterKeys, loadSecrets, rotateSigningKey } from '../config/secrets.ts';
import { sealingContexts } from '../crypto/sealed-records.ts';
import { sealedHeader, Sealer } from '../crypto/sealing.ts';
import { Problem } from '../domain/problem.ts';
import { LEASE_MS, livingOthers } from '../domain/replica-lease.ts';

type Opened = { config: Config; db: Db };

/** Takes effect at the next start. Throws Problem `key-given`. */
export async function rotateSigning({ config, db }: Opened): Promise<object> {
  if (config.keys.signing)
    throw new Problem('key-given', 409, 'SALLYPORT_SIGNING_KEY gives the keys: put the new one first there.');
  const file = rotateSigningKey(config.dataDir, new Date());
  await record(db, { key: 'signing' });
  return { file };
}

/**
 * Throws Problem `key-given` where the environment gives the key and no second one to put in its place,
 * `portal-running`, `key-needed` where something would not open any more, and ConfigError where a portal has the data
 * directory.
 */
export async function rotateMaster({ config, db }: Opened): Promise<object> {
  // A running portal would go on sealing under the key that it has read.
  using _lock = openDataDir(config.dataDir);
  await requireNoPortal(config, db);
  const given = config.keys.master !== undefined;
  const keys = given ? loadSecrets(config).masterKeys : addMasterKey(config.dataDir);
  if (keys.length === 1)
    throw new Problem('key-given', 409, 'SALLYPORT_MASTER_KEY gives the key, and no other to put in its place.', {
      next: 'Put a new key before it, white space between them, and run this again; then leave the old one out.',
    });
  const sealer = new Sealer(keys);
  const records = await rewrapSealedRecords(db, {
    clusterCredential: (sealed, { id, name }) =>
      named(`the credential of the cluster ${name}`, () =>
        sealer.rewrap(sealed, sealingContexts.clusterCredential(id)),
      ),
    hostSecret: (sealed, session) =>
      named(`the secret of the session ${session}`, () => sealer.rewrap(sealed, sealingContexts.hostSecret(session))),
    // The setting is called as its sealing context is.
    authority: (sealed, setting) =>
      named(`the key of the ${setting}`, () =>
        sealer.rewrap(Buffer.from(sealed, 'base64'), setting).toString('base64'),
      ),
  });
  for (const id of sealer.oldKeyIds) {
    const columns = await columnsHolding(db, sealedHeader(id));
    if (columns.length > 0)
      throw new Problem('key-needed', 500, `The old key is kept: ${columns.join(', ')} still needs it.`);
  }
  await record(db, { key: 'master', records });
  if (given) return { records, next: 'Leave the old key out of SALLYPORT_MASTER_KEY.' };
  dropOldMasterKeys(config.dataDir);
  return { records, file: join(config.dataDir, 'keys', 'master.key') };
}

/** Portals with a data directory of their own on the same database. */
async function requireNoPortal({ dataDir }: Config, db: Db): Promise<void> {
  let own = '';
  try {
    own = readFileSync(join(dataDir, 'replica-id'), 'utf8').trim();
  } catch {
    // No portal has had this folder yet.
  }
  const others = livingOthers(await replicasSeen(db), own);
  if (others.length > 0)
    throw new Problem(
      'portal-running',
      409,
      `${others.length} other portal(s) on this database run, or did just now.`,
      {
        next: `Stop them, wait ${LEASE_MS / 1000} seconds where one was killed, and run this again. Shells run on meanwhile.`,
      },
    );
}

function named<T>(what: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new Problem('key-needed', 409, `Nothing was changed: ${what} does not open. ${why}`, {
      next: 'Give the key that it was sealed with, or remove what it belongs to.',
      cause,
    });
  }
}

async function record(db: Db, detail: Record<string, unknown>): Promise<void> {
  const actor = `${userInfo().username} (command on the server)`;
  await directAudit(db).record({ at: new Date(), code: 'keys.rotated', actorId: null, actor, detail });
}
