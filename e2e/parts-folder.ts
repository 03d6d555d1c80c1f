/** The folder of one test run's parts. One that a killed run left behind is found and cleared away by the next. */
import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isRunning, startTimeOf } from './machine/processes.ts';
import { stopParts } from './use.ts';

const PREFIX = 'sallyport-test-';

export async function makePartsFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), PREFIX));
  // Postgres runs as another user and must reach its folder in here.
  await chmod(folder, 0o711);
  await writeFile(join(folder, 'owner'), `${process.pid} ${startTimeOf(process.pid) ?? ''}`);
  return folder;
}

export async function removePartsFolder(folder: string): Promise<void> {
  await stopParts(folder);
  await rm(folder, { recursive: true, force: true });
}

/** Stops and removes the parts of runs whose process is gone. */
export async function sweepPartsFolders(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    if (!name.startsWith(PREFIX)) continue;
    const folder = join(tmpdir(), name);
    const [pid, startTime] = (await readFile(join(folder, 'owner'), 'utf8').catch(() => '')).split(' ');
    if (pid && startTime && !isRunning({ pid: Number(pid), startTime })) await removePartsFolder(folder);
  }
}
