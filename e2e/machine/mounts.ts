/** Removing folders in which something may still be mounted. */
import { readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { run } from './run.ts';
import { until } from './until.ts';

/** Mount points at or below the folder, deepest first. */
function mountsUnder(folder: string): string[] {
  return readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[4] ?? '')
    .map((path) => path.replace(/\\(\d{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8))))
    .filter((path) => path === folder || path.startsWith(`${folder}/`))
    .reverse();
}

export async function unmountUnder(folder: string): Promise<void> {
  for (const path of mountsUnder(folder))
    await run('umount', [path]).catch(() => run('umount', ['--lazy', path]).catch(() => undefined));
}

/** Unmounts what is mounted below the folder, then removes it. Nothing is followed out of it. */
export async function removeFolder(folder: string): Promise<void> {
  await until(
    async () => {
      await unmountUnder(folder);
      if (mountsUnder(folder).length > 0) return false;
      await rm(folder, { recursive: true, force: true });
      return true;
    },
    { within: 15_000, every: 200, what: `the removal of ${folder}` },
  );
}
