/** The engine's own command-line client, for what an operator does with it: build, import, run. */
import { run, type RunOptions } from '../machine/run.ts';

export type DockerCli = {
  run(args: string[], options?: RunOptions): Promise<string>;
  has(image: string): Promise<boolean>;
};

/** For the engine at a socket's path. */
export function dockerAt(socket: string): DockerCli {
  const call = (args: string[], options: RunOptions = {}) =>
    run('docker', ['--host', `unix://${socket}`, ...args], {
      ...options,
      // The classic builder is in every engine; BuildKit needs a plugin that may be absent.
      env: { ...process.env, DOCKER_BUILDKIT: '0', ...options.env },
    });
  return {
    run: call,
    async has(image) {
      return (await call(['images', '--quiet', image])).trim() !== '';
    },
  };
}
