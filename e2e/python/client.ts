/** The official Python client, from PyPI, in an environment of its own that is made once. */
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cacheFolder } from '../machine/cache.ts';
import { whileLocked } from '../machine/lock.ts';
import { PYTHON_NEEDS } from '../machine/needs.ts';
import { ensurePackages } from '../machine/packages.ts';
import { run } from '../machine/run.ts';

const REQUIREMENTS = fileURLToPath(new URL('requirements.txt', import.meta.url));
const PROGRAM = fileURLToPath(new URL('surface.py', import.meta.url));

/** The path of its python. */
async function pythonWithClient(say: (line: string) => void): Promise<string> {
  const version = createHash('sha256').update(readFileSync(REQUIREMENTS)).digest('hex').slice(0, 12);
  const target = cacheFolder(`python-client-${version}`);
  const python = join(target, 'bin', 'python');
  await mkdir(dirname(target), { recursive: true });
  return whileLocked(`${target}.lock`, async () => {
    const done = join(target, 'complete');
    if (existsSync(done)) return python;
    await ensurePackages(PYTHON_NEEDS, say);
    // An environment knows its own place: it is made where it stays, and marked once it is whole.
    await rm(target, { recursive: true, force: true });
    await run('python3', ['-m', 'venv', target]);
    await run(python, [
      '-m',
      'pip',
      'install',
      '--quiet',
      '--disable-pip-version-check',
      '--requirement',
      REQUIREMENTS,
    ]);
    await mkdir(`${done}.part`);
    await rename(`${done}.part`, done);
    return python;
  });
}

/** Runs surface.py with that kubeconfig; what it saw. */
export async function pythonSurface(kubeconfig: string, namespace: string, image: string): Promise<unknown> {
  const python = await pythonWithClient((line) => process.stderr.write(`${line}\n`));
  const output = await run(python, [PROGRAM, namespace, image], { env: { ...process.env, KUBECONFIG: kubeconfig } });
  return JSON.parse(output) as unknown;
}
