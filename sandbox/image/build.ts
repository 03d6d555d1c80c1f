/**
 * The sandbox's image, made by the engine that runs it. Its tag is a hash of what goes in, so that it is built once
 * for each change and never by hand.
 */
import { createHash } from 'node:crypto';
import type Docker from 'dockerode';
import { pack } from 'tar-stream';
import { Problem } from '../../server/domain/problem.ts';
import { contextFiles } from './context.ts';

/** Name of our images; their tag is the hash of what went in. */
export const REPOSITORY = 'sallyport-sandbox';
const DEFAULT_BASE = 'debian:bookworm-slim';

export type BuildOptions = {
  /** A line for the person who waits. */
  onProgress?: (line: string) => void;
  /** What the image starts from; default: Debian's slim image. */
  base?: string;
  /** Makes a base where the default one cannot be pulled, and returns its name. */
  makeBase?: () => Promise<string>;
};

/**
 * The image's name, built first where the engine lacks it. Throws Problem `sandbox-image-failed` with the build's
 * last lines, and passes errors of the engine on.
 */
export async function ensureSandboxImage(docker: Docker, options: BuildOptions = {}): Promise<string> {
  const say = options.onProgress ?? (() => {});
  const files = contextFiles();
  const hash = createHash('sha256').update(options.base ?? DEFAULT_BASE);
  for (const file of files) hash.update(`${file.name}\0${file.mode}\0${file.version}\0`);
  const tag = `${REPOSITORY}:${hash.digest('hex').slice(0, 16)}`;
  if (await has(docker, tag)) return tag;
  const base = await ensureBase(docker, options, say);
  say(`Sandbox image: building ${tag} (a minute the first time)`);
  const context = pack();
  const fill = async () => {
    for (const file of files) {
      const content = await file.read();
      await new Promise<void>((resolve, reject) => {
        const header = { name: file.name, mode: file.mode, mtime: new Date(0), size: content.length };
        context.entry(header, content, (error) => (error ? reject(error) : resolve()));
      });
    }
    context.finalize();
  };
  const filled = fill();
  filled.catch((error: Error) => context.destroy(error));
  const stream = await docker.buildImage(context as unknown as NodeJS.ReadableStream, {
    t: tag,
    buildargs: { BASE_IMAGE: base },
    // An engine without a bridge builds with the machine's network.
    networkmode: 'host',
    rm: true,
    forcerm: true,
  });
  await follow(docker, stream, say);
  await filled;
  // For those who name the image in a configuration, and for own images built on it.
  await docker.getImage(tag).tag({ repo: REPOSITORY, tag: 'latest' });
  return tag;
}

async function has(docker: Docker, image: string): Promise<boolean> {
  try {
    await docker.getImage(image).inspect();
    return true;
  } catch (error) {
    if ((error as { statusCode?: number }).statusCode === 404) return false;
    throw error;
  }
}

async function ensureBase(docker: Docker, options: BuildOptions, say: (line: string) => void): Promise<string> {
  const base = options.base ?? DEFAULT_BASE;
  if (await has(docker, base)) return base;
  try {
    say(`Sandbox image: pulling ${base}`);
    await follow(docker, await docker.pull(base), () => {});
    return base;
  } catch (error) {
    if (options.makeBase) return options.makeBase();
    throw new Problem('sandbox-image-failed', 503, `The base image ${base} of the sandbox cannot be pulled.`, {
      next: 'Make it available to the container engine, or name another base or sandbox image.',
      cause: error,
    });
  }
}

/** The end of a build or pull, which the engine answers with 200 whatever comes of it. */
async function follow(docker: Docker, stream: NodeJS.ReadableStream, say: (line: string) => void): Promise<void> {
  const last: string[] = [];
  await new Promise<void>((resolve, reject) => {
    const done = (error: Error | null) => {
      if (!error) return resolve();
      const message = `The sandbox's image cannot be had: ${error.message}`;
      reject(
        new Problem('sandbox-image-failed', 503, message, {
          next: 'See the last lines of the build, in meta.output; start the portal again once it is mended.',
          meta: { output: last.join('\n') },
          cause: error,
        }),
      );
    };
    docker.modem.followProgress(stream, done, (event: { stream?: string }) => {
      const line = event.stream?.trim();
      if (!line) return;
      last.push(line);
      if (last.length > 20) last.shift();
      if (line.startsWith('Step ')) say(`Sandbox image: ${line}`);
    });
  });
}
