/** Which Docker engine runs the shells: the one named, the one that answers, or one of our own. */
import { join } from 'node:path';
import Docker from 'dockerode';
import { engineAnswers, engineSocket, startEngine } from '../../e2e/engine/engine.ts';
import { instanceAt } from '../../e2e/machine/instance.ts';
import { ENGINE_NEEDS } from '../../e2e/machine/needs.ts';
import { ensurePackages } from '../../e2e/machine/packages.ts';

export type ChosenEngine = { dockerHost: string; own: boolean };

const USUAL = '/var/run/docker.sock';

/** A client for `unix:///path` or `tcp://host:port`. */
export function dockerClient(dockerHost: string): Docker {
  if (dockerHost.startsWith('unix://')) return new Docker({ socketPath: dockerHost.slice('unix://'.length) });
  const { hostname, port, protocol } = new URL(dockerHost);
  return new Docker({ host: hostname, port: port || 2375, protocol: protocol === 'https:' ? 'https' : 'http' });
}

export async function chooseEngine(dataDir: string, say: (line: string) => void): Promise<ChosenEngine> {
  const named = process.env['DOCKER_HOST'];
  if (named) {
    await dockerClient(named)
      .ping()
      .catch((cause: unknown) => {
        throw new Error(`no Docker engine answers at DOCKER_HOST=${named}`, { cause });
      });
    return { dockerHost: named, own: false };
  }
  if (await engineAnswers(USUAL)) return { dockerHost: `unix://${USUAL}`, own: false };
  if (process.getuid?.() !== 0)
    throw new Error(
      `no Docker engine answers at ${USUAL}: start one that you may use, or name it with DOCKER_HOST, or run this as root, which starts one`,
    );
  await ensurePackages(ENGINE_NEEDS, say);
  if (!(await engineAnswers(engineSocket(instanceAt(join(dataDir, 'engine'))))))
    say('Container engine: starting one of our own');
  const { socket } = await startEngine(join(dataDir, 'engine'));
  return { dockerHost: `unix://${socket}`, own: true };
}
