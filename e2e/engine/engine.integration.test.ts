import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import Docker from 'dockerode';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { BUSYBOX_IMAGE, imageArchive } from '../cluster/images.ts';
import { instanceAt } from '../machine/instance.ts';
import { findProcesses } from '../machine/processes.ts';
import { engineAnswers, startEngine, stopEngine } from './engine.ts';

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sallyport-engine-'));
});

afterAll(async () => {
  await stopEngine(folder, { remove: true });
  await rm(folder, { recursive: true, force: true });
});

test('runs a container without a network; a second start finds it; stopping leaves nothing', async () => {
  const instance = instanceAt(folder);
  const { socket } = await startEngine(folder);
  const docker = new Docker({ socketPath: socket });
  // It is there once the engine has said all it has to say.
  await text(await docker.loadImage(Readable.from([await imageArchive()])));
  const container = await docker.createContainer({
    Image: BUSYBOX_IMAGE,
    Cmd: ['sleep', '1000'],
    HostConfig: { NetworkMode: 'none', Memory: 32 << 20, PidsLimit: 16, CapDrop: ['ALL'], ReadonlyRootfs: true },
  });
  await container.start();
  expect((await container.inspect()).State.Running).toBe(true);

  const pids = findProcesses(instance.folder).map((process_) => process_.pid);
  expect(await startEngine(folder)).toEqual({ socket });
  expect(findProcesses(instance.folder).map((process_) => process_.pid)).toEqual(pids);

  await stopEngine(folder, { remove: true });
  expect(await engineAnswers(socket)).toBe(false);
  expect(findProcesses(instance.folder)).toEqual([]);
  expect(readFileSync('/proc/self/mountinfo', 'utf8')).not.toContain(instance.id);
  expect(existsSync(instance.folder)).toBe(false);
  expect(existsSync(instance.runFolder)).toBe(false);
});
