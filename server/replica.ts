/** This process among the portals of an installation: an id that its data directory keeps, and a heartbeat. */
import { randomUUID } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Db } from '../db/client.ts';
import { beat, forget, forgetSilent } from '../db/queries/replicas.ts';
import { BEAT_MS } from './domain/replica-lease.ts';
import type { Logger } from './log.ts';

/** A replica that was silent for a day has been taken away. */
const SILENT_MS = 24 * 3_600_000;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/**
 * The id under which this data directory's sessions are held: the same after a restart, so that it takes up what it
 * left. The directory's lock keeps two processes from having it at once.
 */
export async function replicaId(dataDir: string): Promise<string> {
  const file = join(dataDir, 'replica-id');
  const kept = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
  if (UUID.test(kept.trim())) return kept.trim();
  const id = randomUUID();
  await writeFile(file, `${id}\n`, { mode: 0o600 });
  return id;
}

/** Keeps the replica's row fresh until disposed. */
export async function startHeartbeat(db: Db, id: string, now: () => Date, log: Logger): Promise<AsyncDisposable> {
  const startedAt = now();
  await beat(db, id, startedAt);
  await forgetSilent(db, SILENT_MS);
  let running: Promise<void> | undefined;
  const timer = setInterval(() => {
    running ??= beat(db, id, startedAt)
      .catch((err: unknown) => log.warn({ err }, 'the heartbeat was not written'))
      .finally(() => (running = undefined));
  }, BEAT_MS);
  timer.unref();
  return {
    async [Symbol.asyncDispose]() {
      clearInterval(timer);
      await running; // a beat that comes after would bring the row back
      await forget(db, id).catch((err: unknown) => log.warn({ err }, 'the replica’s row was not removed'));
    },
  };
}
