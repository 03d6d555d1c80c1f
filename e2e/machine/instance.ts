/**
 * An instance of a part (a cluster, an engine) lives in a folder. What must be short or must not survive a reboot
 * (sockets, mounts, pids) lives in /run; both names follow from the folder's path, so nothing needs to be remembered.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';

export type Instance = {
  folder: string;
  /** Eight hex digits, of the folder's path: names of devices, control groups and the like are made of it. */
  id: string;
  /** Name of its control group, at the top of each hierarchy. */
  cgroup: string;
  /** Below /run: Unix socket paths have at most 107 characters. */
  runFolder: string;
  log(part: string): string;
};

export function instanceAt(path: string): Instance {
  const folder = resolve(path);
  const id = createHash('sha256').update(folder).digest('hex').slice(0, 8);
  return {
    folder,
    id,
    cgroup: `sallyport-${id}`,
    runFolder: `/run/sallyport/${id}`,
    log: (part) => join(folder, 'logs', `${part}.log`),
  };
}

/** What was decided at the first start (ports, addresses), so that later starts keep it. */
export async function remembered<T extends object>(instance: Instance, decide: () => Promise<T>): Promise<T> {
  const file = join(instance.folder, 'state.json');
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as T;
  } catch {
    const state = await decide();
    await mkdir(instance.folder, { recursive: true });
    await writeFile(file, `${JSON.stringify(state, null, 2)}\n`, { mode: 0o600 });
    return state;
  }
}
