/**
 * The images of one engine for another on the same machine, at once instead of in half a minute: layers never change
 * once they are made, so the other engine reads them where they are.
 */
import { cp, mkdir, readdir, readFile, readlink, symlink } from 'node:fs/promises';
import { join, relative } from 'node:path';

const FACTS = join('image', 'overlay2');

/**
 * Both are data roots of Docker with the driver overlay2. `to` belongs to an engine that was not started yet, and works
 * as long as `from` keeps its images.
 */
export async function borrowImages(from: string, to: string): Promise<void> {
  await cp(join(from, FACTS), join(to, FACTS), { recursive: true, filter: (path) => !isOfContainers(from, path) });
  await mkdir(join(to, 'overlay2', 'l'), { recursive: true, mode: 0o711 });
  const layers = join(to, FACTS, 'layerdb', 'sha256');
  for (const layer of await readdir(layers)) {
    const place = join('overlay2', await readFile(join(layers, layer, 'cache-id'), 'utf8'));
    const content = join(from, place, 'diff');
    await cp(join(from, place), join(to, place), { recursive: true, filter: (path) => path !== content });
    await symlink(content, join(to, place, 'diff'));
    // The layer's short name: mounts are made of these.
    const short = join('overlay2', 'l', await readFile(join(from, place, 'link'), 'utf8'));
    await symlink(await readlink(join(from, short)), join(to, short));
  }
}

/** What containers and images that are being made have there. */
function isOfContainers(from: string, path: string): boolean {
  return /^(layerdb\/(mounts|tmp)|distribution)(\/|$)/.test(relative(join(from, FACTS), path));
}
