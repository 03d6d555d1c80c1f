/** An engine of one scenario's own, which it may stop and start, with the image of shells in it. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Docker from 'dockerode';
import { instanceAt } from '../machine/instance.ts';
import { stopProcesses } from '../machine/processes.ts';
import { testEngine, testSandboxImage } from '../use.ts';
import { borrowImages } from './borrowed-images.ts';
import { startEngine, stopEngine } from './engine.ts';

export type OwnEngine = AsyncDisposable & {
  socket: string;
  /** The image of shells. */
  image: string;
  /** Ends the engine's process; what it runs lives on. */
  stop(): Promise<void>;
  /** Starts it anew; resolves when it answers. */
  start(): Promise<void>;
};

/** Engine and images go with the disposal. Needs the test engine on this machine. */
export async function ownEngine(): Promise<OwnEngine> {
  const image = await testSandboxImage();
  const source = new Docker({ socketPath: (await testEngine()).socket });
  const { DockerRootDir, Driver } = (await source.info()) as { DockerRootDir: string; Driver: string };
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-engine-'));
  const remove = async () => {
    await stopEngine(folder, { remove: true });
    await rm(folder, { recursive: true, force: true });
  };
  try {
    const borrowed = Driver === 'overlay2';
    if (borrowed) await borrowImages(DockerRootDir, join(folder, 'docker'));
    const { socket } = await startEngine(folder);
    if (!borrowed) await copyImage(source, new Docker({ socketPath: socket }), image);
    return {
      socket,
      image,
      stop: () => stopProcesses(instanceAt(folder).folder, 'dockerd'),
      start: async () => void (await startEngine(folder)),
      [Symbol.asyncDispose]: remove,
    };
  } catch (error) {
    await remove();
    throw error;
  }
}

async function copyImage(from: Docker, to: Docker, image: string): Promise<void> {
  const loading = await to.loadImage(await from.getImage(image).get());
  await new Promise<void>((resolve, reject) =>
    to.modem.followProgress(loading, (error) => (error ? reject(error) : resolve())),
  );
}
