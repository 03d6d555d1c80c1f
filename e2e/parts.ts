/**
 * vitest's globalSetup: the folder in which the real parts of a run live. Each part starts when the first test asks for
 * it (e2e/use.ts) and serves the whole run; at the end everything is stopped and the folder removed.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { chmod } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stopParts } from './use.ts';

// vitest calls this once for each of its projects, in one process: they share the parts.
const shared = globalThis as { sallyportParts?: { folder: string; users: number } };

export default async function setup(): Promise<() => Promise<void>> {
  if (!shared.sallyportParts) {
    const folder = mkdtempSync(join(tmpdir(), 'sallyport-test-'));
    // Postgres runs as another user and must reach its folder in here.
    await chmod(folder, 0o711);
    shared.sallyportParts = { folder, users: 0 };
    process.env['SALLYPORT_TEST_PARTS'] = folder;
  }
  const parts = shared.sallyportParts;
  parts.users++;
  return async () => {
    if (--parts.users > 0) return;
    await stopParts(parts.folder);
    rmSync(parts.folder, { recursive: true, force: true });
    delete shared.sallyportParts;
  };
}
