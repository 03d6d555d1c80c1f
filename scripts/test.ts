/**
 * `npm test`: everything, on samples; `--full` runs the long rounds. Sets up what it needs first. Its last line is
 * `N passed, N failed`, alone; a broken check (format, lint, types, dead code, build) counts as a failure.
 */
import { kubernetesBinaries } from '../e2e/cluster/binaries.ts';
import { BROWSER_NEEDS, CLUSTER_NEEDS, COMPOSE_NEEDS, ENGINE_NEEDS, IMAGE_NEEDS } from '../e2e/machine/needs.ts';
import { ensurePackages } from '../e2e/machine/packages.ts';
import { makePartsFolder, removePartsFolder, sweepPartsFolders } from '../e2e/parts-folder.ts';
import { testCluster, testSandboxImage } from '../e2e/use.ts';
import { runChecks } from './checks.ts';
import { endSteps, onStop, say } from './steps.ts';
import { runVitest } from './vitest-run.ts';
import type { Count } from './vitest-run.ts';
import { buildWeb } from './web-build.ts';

const full = process.argv.includes('--full');
const total: Count = { passed: 0, failed: 0 };

function add({ passed, failed }: Count): void {
  total.passed += passed;
  total.failed += failed;
}

/** Runs a part of the whole; what it throws is said and counted, and the rest still runs. */
async function part(name: string, work: () => Promise<Count>): Promise<void> {
  try {
    add(await work());
  } catch (error) {
    say(`✗ ${name}: ${error instanceof Error ? error.message : String(error)}`);
    add({ passed: 0, failed: 1 });
  }
}

let stopped = false;
onStop(() => {
  stopped = true;
  endSteps();
});

await part('set-up', async () => {
  await ensurePackages([...CLUSTER_NEEDS, ...ENGINE_NEEDS, ...IMAGE_NEEDS, ...BROWSER_NEEDS, ...COMPOSE_NEEDS], say);
  await kubernetesBinaries(say);
  await sweepPartsFolders();
  return { passed: 0, failed: 0 };
});
await part('checks', async () => ({ passed: 0, failed: await runChecks() }));
await part('unit tests', () => runVitest(['unit']));
await part('build of the pages', async () => ({ passed: 0, failed: (await buildWeb(say)) ? 0 : 1 }));
const folder = await makePartsFolder();
try {
  process.env['SALLYPORT_TEST_PARTS'] = folder;
  // What takes minutes on a new machine is no test's to wait for.
  await part('real parts', async () => {
    await Promise.all([testCluster(), testSandboxImage()]);
    return { passed: 0, failed: 0 };
  });
  const env: Record<string, string> = full ? { SALLYPORT_ROUNDS: 'full' } : {};
  for (const project of ['integration', 'e2e']) if (!stopped) await part(project, () => runVitest([project], env));
} finally {
  await removePartsFolder(folder);
}
console.log(`${total.passed} passed, ${total.failed} failed`);
process.exitCode = stopped || total.failed > 0 || total.passed === 0 ? 1 : 0;
