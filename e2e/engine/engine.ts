/** A Docker engine of our own, for machines where none answers and for tests: one folder, one socket, no network. */
import { mkdir } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import { makeCgroup, removeCgroup } from '../machine/cgroups.ts';
import { containerdSocket, leftovers, removeLeftovers, startContainerd } from '../machine/containerd.ts';
import { instanceAt } from '../machine/instance.ts';
import type { Instance } from '../machine/instance.ts';
import { removeFolder, unmountUnder } from '../machine/mounts.ts';
import { findProcesses, lastLines, startProcess, stopProcesses } from '../machine/processes.ts';
import { GivenUp, until } from '../machine/until.ts';

export type Engine = { socket: string };

export function engineSocket(instance: Instance): string {
  return join(instance.runFolder, 'docker.sock');
}

/** True where a Docker engine answers at the socket. */
export function engineAnswers(socket: string): Promise<boolean> {
  return new Promise((resolve) => {
    const ask = request({ socketPath: socket, path: '/_ping', timeout: 5_000 }, (answer) => {
      answer.resume();
      resolve(answer.statusCode === 200);
    });
    ask.once('error', () => resolve(false));
    ask.once('timeout', () => ask.destroy());
    ask.end();
  });
}

/** Starts (or finds running) the engine of a folder. Needs root, dockerd, containerd and runc. */
export async function startEngine(folder: string): Promise<Engine> {
  const instance = instanceAt(folder);
  const socket = engineSocket(instance);
  if (findProcesses(instance.folder, 'dockerd').length > 0 && (await engineAnswers(socket))) return { socket };
  await mkdir(instance.folder, { recursive: true, mode: 0o711 });
  await startContainerd(instance, {});
  makeCgroup(instance.cgroup);
  const log = instance.log('dockerd');
  // Shells have no network, so the engine touches neither bridges nor firewall nor forwarding of this machine.
  startProcess(instance.folder, 'dockerd', {
    command: 'dockerd',
    args: [
      '--host',
      `unix://${socket}`,
      '--containerd',
      containerdSocket(instance),
      '--data-root',
      join(instance.folder, 'docker'),
      '--exec-root',
      join(instance.runFolder, 'docker'),
      '--pidfile',
      join(instance.runFolder, 'docker.pid'),
      '--cgroup-parent',
      `/${instance.cgroup}`,
      '--bridge=none',
      '--iptables=false',
      '--ip6tables=false',
      '--ip-forward=false',
      '--ip-masq=false',
      '--userland-proxy=false',
      '--live-restore',
      '--log-level=warn',
    ],
    log,
  });
  await until(
    () => {
      if (findProcesses(instance.folder, 'dockerd').length === 0)
        throw new GivenUp(`the Docker engine ended at its start:\n${lastLines(log)}`);
      return engineAnswers(socket);
    },
    { within: 60_000, what: () => `the Docker engine's answer (${lastLines(log)})` },
  );
  return { socket };
}

/** Ends the engine with every container; with `remove`, its images and folder too. */
export async function stopEngine(folder: string, { remove }: { remove: boolean }): Promise<void> {
  const instance = instanceAt(folder);
  await stopProcesses(instance.folder, 'dockerd');
  const left = leftovers(instance);
  await removeCgroup(instance.cgroup);
  await stopProcesses(instance.folder);
  await unmountUnder(instance.runFolder);
  await unmountUnder(instance.folder);
  removeLeftovers(left);
  await removeFolder(instance.runFolder);
  if (remove) await removeFolder(instance.folder);
}
