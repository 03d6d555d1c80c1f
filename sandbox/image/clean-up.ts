/** Images of shells that a newer one has replaced: each is half a gigabyte, and nobody asks for it again. */
import type Docker from 'dockerode';
import { REPOSITORY } from './build.ts';

/** What sandbox/image/Dockerfile puts on each image. */
const LABEL = 'sallyport.image';
/** The present one, and the one before it for who goes back. */
const KEPT = 2;
/** Ms. Another checkout, or a portal without a warm pool, may be about to use one that was made just now. */
const YOUNG_MS = 24 * 3_600_000;

export type CleanUpOptions = {
  /** Default: that of our images. */
  repository?: string;
  now?: Date;
};

/**
 * Removes images of ours that no container of this engine uses, that are older than a day, and of which there are two
 * newer ones. What carries another name besides (an image of one's own, `latest`) stays. Resolves with their names.
 */
export async function removeOldSandboxImages(docker: Docker, options: CleanUpOptions = {}): Promise<string[]> {
  const { repository = REPOSITORY, now = new Date() } = options;
  // As ensureSandboxImage names them.
  const ours = (tag: string) => tag.startsWith(`${repository}:`) && /:[0-9a-f]{16}$/.test(tag);
  const [images, containers] = await Promise.all([
    docker.listImages({ filters: { label: [LABEL], reference: [`${repository}:*`] } }),
    docker.listContainers({ all: true }),
  ]);
  const used = new Set(containers.map(({ ImageID }) => ImageID));
  const old = images
    .toSorted((a, b) => b.Created - a.Created)
    .slice(KEPT)
    .filter(({ Id, Created }) => !used.has(Id) && now.getTime() - Created * 1000 > YOUNG_MS)
    .filter(({ RepoTags }) => RepoTags?.length && RepoTags.every(ours));
  const removed: string[] = [];
  for (const tag of old.flatMap(({ RepoTags }) => RepoTags!)) {
    try {
      await docker.getImage(tag).remove();
      removed.push(tag);
    } catch (error) {
      // Gone already, or in use since a moment ago.
      if (![404, 409].includes((error as { statusCode?: number }).statusCode ?? 0)) throw error;
    }
  }
  return removed;
}
