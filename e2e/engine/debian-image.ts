/** A Debian base image in an engine, made here: for machines that reach Debian's packages but no image registry. */
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheFolder, platform } from '../machine/cache.ts';
import { IMAGE_NEEDS } from '../machine/needs.ts';
import { ensurePackages } from '../machine/packages.ts';
import { run } from '../machine/run.ts';
import { dockerAt } from './docker.ts';

export const DEBIAN_IMAGE = 'sallyport.local/debian:bookworm';

/** The base as tar: made once for this machine (about 20 s and 170 MB, as root), then kept in the cache. */
async function debianArchive(say: (line: string) => void): Promise<string> {
  const archive = cacheFolder(`debian-bookworm-${platform()}.tar`);
  if (existsSync(archive)) return archive;
  await ensurePackages(IMAGE_NEEDS, say);
  say('Images: making a Debian base image');
  await mkdir(cacheFolder(), { recursive: true });
  const making = await mkdtemp(cacheFolder('debian-'));
  try {
    const tar = join(making, 'base.tar');
    // The mirror may be a snapshot whose lists have lapsed.
    const options = ['--variant=minbase', '--include=ca-certificates', '--aptopt=Acquire::Check-Valid-Until "false"'];
    await run('mmdebstrap', [...options, 'bookworm', tar]);
    await rename(tar, archive);
  } finally {
    await rm(making, { recursive: true, force: true });
  }
  return archive;
}

/** Imports the base where the engine lacks it; returns its name. */
export async function ensureDebianImage(socket: string, say: (line: string) => void): Promise<string> {
  const docker = dockerAt(socket);
  if (await docker.has(DEBIAN_IMAGE)) return DEBIAN_IMAGE;
  await docker.run(['import', await debianArchive(say), DEBIAN_IMAGE]);
  return DEBIAN_IMAGE;
}
