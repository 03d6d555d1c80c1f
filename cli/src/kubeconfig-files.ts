/** The files that KUBECONFIG names, and which of them is written to, by kubectl's own rules. */
import { mkdirSync, readFileSync, statSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { Failure } from './failure.ts';
import { homeOf, replaceFile, type Environment } from './folders.ts';
import { outline, withContext, withoutContexts, type Entry } from './kubeconfig.ts';
import { withLock } from './lock.ts';

/** In order; never empty. */
function files(env: Environment): string[] {
  const listed = (env['KUBECONFIG'] ?? '').split(delimiter).filter(Boolean);
  return listed.length > 0 ? [...new Set(listed)] : [join(homeOf(env), '.kube', 'config')];
}

function read(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw new Failure(`${file} cannot be read: ${(error as Error).message}.`, { cause: error });
  }
}

/** Adds or replaces the context and makes it the current one. Returns the file that it is in. */
export async function addContext(env: Environment, entry: Entry): Promise<string> {
  const all = files(env).map((file) => ({ file, text: read(file) }));
  const existing = all.filter((one): one is { file: string; text: string } => one.text !== null);
  const outlines = existing.map(({ file, text }) => ({ file, ...outline(text, file) }));
  // As kubectl: where it is already; else the first that exists; else the last that is named.
  const { file } =
    outlines.find(({ contexts }) => contexts.includes(entry.name)) ?? existing[0] ?? all[all.length - 1]!;
  // The first file that says which one is current is believed.
  const deciding = outlines.find(({ current }) => current !== null)?.file ?? file;
  await change(file, (text) => withContext(text, file, entry, { current: deciding === file }));
  if (deciding !== file)
    await change(deciding, (text) => text.replace(/^(["']?)current-context\1:.*$/m, `current-context: ${entry.name}`));
  return file;
}

/** Returns the names of what was removed. */
export async function removeContexts(
  env: Environment,
  which: { portal: string; cluster: string | null },
): Promise<string[]> {
  const removed: string[] = [];
  for (const file of files(env)) {
    const text = read(file);
    if (text === null || withoutContexts(text, file, which).removed.length === 0) continue;
    await change(file, (now) => {
      const without = withoutContexts(now, file, which);
      removed.push(...without.removed);
      return without.text;
    });
  }
  return removed;
}

/** Under the lock that kubectl takes, too. */
async function change(file: string, edit: (text: string) => string): Promise<void> {
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new Failure(`${dirname(file)} cannot be made: ${(error as Error).message}.`, { cause: error });
  }
  await withLock(`${file}.lock`, async () => {
    const before = read(file);
    const after = edit(before ?? '');
    if (after !== before) replaceFile(file, after, before === null ? 0o600 : statSync(file).mode & 0o777);
  });
}
