/** `node server/admin.ts …` as an operator runs it, beside a portal of a test. */
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { BarePortal } from './bare-portal.ts';
import { compileCache } from './use.ts';

const ROOT = join(import.meta.dirname, '..');

/** `result` is the JSON of its last line. */
export type Ran<T = Record<string, string>> = { code: number; result: T; said: string };

/** Without `urls`: the embedded database of the data directory. */
type Place = Pick<BarePortal, 'dataDir'> & Partial<Pick<BarePortal, 'urls'>>;

export function spawnAdmin(
  on: Place,
  args: string[],
  env: Record<string, string> = {},
): ChildProcessWithoutNullStreams {
  return spawn(process.execPath, [join(ROOT, 'server', 'admin.ts'), ...args], {
    env: {
      PATH: process.env['PATH'] ?? '',
      // Without one kubectl keeps its cache where it is started: in the checkout.
      HOME: on.dataDir,
      NODE_ENV: 'production',
      ...compileCache(),
      SALLYPORT_DATA_DIR: on.dataDir,
      ...(on.urls && { DATABASE_URL: on.urls.url, MIGRATION_DATABASE_URL: on.urls.migrationUrl }),
      ...env,
    },
  });
}

export async function admin<T = Record<string, string>>(
  on: Place,
  args: string[],
  input = '',
  env: Record<string, string> = {},
): Promise<Ran<T>> {
  const child = spawnAdmin(on, args, env);
  child.stdin.end(input);
  const [out, said, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')]);
  return { code: code as number, result: (out ? JSON.parse(out) : {}) as T, said };
}
