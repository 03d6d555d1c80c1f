/** Format, lint, types and dead code: what needs no running part. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { bin, ROOT, runStep } from './steps.ts';

/** Resolves with the number of checks that failed. */
export async function runChecks(): Promise<number> {
  // Next writes the types of routes, and its next-env.d.ts, which the compiler reads.
  const pages = existsSync(join(ROOT, 'app'));
  const results = await Promise.all([
    runStep({ name: 'format', command: bin('oxfmt'), args: ['--check', '.'] }),
    runStep({ name: 'lint', command: bin('oxlint'), args: [] }),
    (async () =>
      (!pages || (await runStep({ name: 'route types', command: bin('next'), args: ['typegen'] }))) &&
      (await runStep({ name: 'types', command: bin('tsc'), args: ['--noEmit'] })))(),
    runStep({ name: 'dead code', command: bin('knip'), args: ['--no-progress'] }),
  ]);
  return results.filter((ok) => !ok).length;
}
