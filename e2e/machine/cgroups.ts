/** Control groups of an instance, in each hierarchy of version 1 and in version 2. */
import { existsSync, mkdirSync, readFileSync, readdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { until } from './until.ts';

const ROOT = '/sys/fs/cgroup';

/** Every mounted hierarchy: `/sys/fs/cgroup` alone (version 2), or one per controller. */
function hierarchies(): string[] {
  return readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .filter((line) => / - cgroup2? /.test(line))
    .map((line) => line.split(' ')[4] ?? '')
    .filter((path) => path.startsWith(ROOT));
}

/** Makes the group everywhere, usable as a parent of pods or containers. */
export function makeCgroup(name: string): void {
  for (const hierarchy of hierarchies()) {
    const folder = join(hierarchy, name);
    mkdirSync(folder, { recursive: true });
    if (existsSync(join(hierarchy, 'cpuset.cpus'))) {
      // Version 1: a new group has no CPUs until it is given its parent's.
      for (const file of ['cpuset.cpus', 'cpuset.mems'])
        if (readFileSync(join(folder, file), 'utf8').trim() === '')
          writeFileSync(join(folder, file), readFileSync(join(hierarchy, file), 'utf8'));
    }
    if (existsSync(join(hierarchy, 'cgroup.controllers'))) {
      const controllers = readFileSync(join(hierarchy, 'cgroup.controllers'), 'utf8').trim().split(/\s+/);
      for (const controller of controllers.filter(Boolean))
        for (const group of [hierarchy, folder])
          try {
            writeFileSync(join(group, 'cgroup.subtree_control'), `+${controller}`);
          } catch {
            // a controller that version 1 holds, or that may not be delegated: the runtime says so if it needs it
          }
    }
  }
}

function groupsUnder(folder: string): string[] {
  if (!existsSync(folder)) return [];
  const below = readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .flatMap((entry) => groupsUnder(join(folder, entry.name)));
  return [...below, folder];
}

/** Kills every process in the group and removes it, with all groups below. */
export async function removeCgroup(name: string): Promise<void> {
  await until(
    () => {
      const groups = hierarchies().flatMap((hierarchy) => groupsUnder(join(hierarchy, name)));
      for (const group of groups) {
        for (const pid of pidsIn(group)) {
          try {
            process.kill(pid, 'SIGKILL');
          } catch {
            // it ended in between
          }
        }
        try {
          rmdirSync(group);
        } catch {
          // still ending: the next look removes it
        }
      }
      return groups.length === 0;
    },
    { within: 15_000, what: `the removal of control group ${name}` },
  );
}

function pidsIn(group: string): number[] {
  try {
    return readFileSync(join(group, 'cgroup.procs'), 'utf8').split('\n').filter(Boolean).map(Number);
  } catch {
    return [];
  }
}
