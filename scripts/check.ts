/** `npm run check`: the fast round. Format, lint, types, dead code, unit tests. */
import { runChecks } from './checks.ts';
import { runVitest } from './vitest-run.ts';

const broken = await runChecks();
const { passed, failed } = await runVitest(['unit']);
console.log(`${passed} passed, ${failed + broken} failed`);
process.exitCode = failed + broken > 0 || passed === 0 ? 1 : 0;
