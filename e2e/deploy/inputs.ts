/** Whether the image's build has been proven for its present inputs: it takes minutes where nothing is cached. */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { cacheFolder } from '../machine/cache.ts';

/** What decides whether the build works; the source itself is what every other test runs. */
const FILES = ['Dockerfile', '.dockerignore', 'package-lock.json', 'next.config.ts', 'postcss.config.mjs'];
const FOLDERS = ['deploy/image'];

function stamp(root: string): string {
  const hash = createHash('sha256');
  const inFolders = FOLDERS.flatMap((folder) => readdirSync(join(root, folder)).map((name) => join(folder, name)));
  for (const file of [...FILES, ...inFolders].toSorted())
    hash.update(`${file}\0`).update(readFileSync(join(root, file)));
  return cacheFolder('proven-images', hash.digest('hex').slice(0, 16));
}

export function isProven(root: string): boolean {
  return existsSync(stamp(root));
}

export async function setProven(root: string): Promise<void> {
  const path = stamp(root);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, '');
}
