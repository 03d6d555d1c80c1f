/** A new file outlives a power cut once its folder, where its name stands, is on the disk too (fsync(2), NOTES). */
import { open } from 'node:fs/promises';

export async function syncFolder(path: string): Promise<void> {
  await using folder = await open(path, 'r');
  await folder.sync();
}
