/**
 * vitest's globalSetup: the folder in which the real parts of a run live. Each part starts when the first test asks for
 * it (e2e/use.ts) and serves the whole run; at the end everything is stopped and the folder removed. `npm test` makes
 * the folder itself, for all of its runs of vitest.
 */
import { makePartsFolder, removePartsFolder, sweepPartsFolders } from './parts-folder.ts';

// vitest calls this once for each of its projects, in one process: they share the parts.
const shared = globalThis as { sallyportParts?: { folder: Promise<string>; users: number } };

export default async function setup(): Promise<(() => Promise<void>) | undefined> {
  if (!shared.sallyportParts) {
    if (process.env['SALLYPORT_TEST_PARTS']) return undefined;
    await sweepPartsFolders();
    shared.sallyportParts ??= { folder: makePartsFolder(), users: 0 };
  }
  const parts = shared.sallyportParts;
  parts.users++;
  const folder = await parts.folder;
  process.env['SALLYPORT_TEST_PARTS'] = folder;
  return async () => {
    if (--parts.users > 0) return;
    await removePartsFolder(folder);
  };
}
