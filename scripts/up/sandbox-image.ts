/** The image of shells in the engine that runs them; its base is made here where no registry has it for us. */
import { ensureDebianImage } from '../../e2e/engine/debian-image.ts';
import { ensureSandboxImage } from '../../sandbox/image/build.ts';
import { dockerClient } from './engine.ts';

/** Resolves with the image's name. Making a base needs root on Debian or Ubuntu, and an engine on this machine. */
export function prepareSandboxImage(dockerHost: string, say: (line: string) => void): Promise<string> {
  const local = dockerHost.startsWith('unix://') && process.getuid?.() === 0;
  return ensureSandboxImage(dockerClient(dockerHost), {
    // A step of the build may be a page long.
    onProgress: (line) => say(line.length > 100 ? `${line.slice(0, 99)}…` : line),
    ...(local && { makeBase: () => ensureDebianImage(dockerHost.slice('unix://'.length), say) }),
  });
}
