/** One run of vitest, its results counted. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bin, showStep } from './steps.ts';

export type Count = { passed: number; failed: number };

type Report = { numPassedTests: number; numFailedTests: number; numFailedTestSuites: number; success: boolean };

/** Runs the named projects; a file that could not be loaded, and a run that broke off, count as a failure. */
export async function runVitest(projects: string[], env: Record<string, string> = {}): Promise<Count> {
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-report-'));
  const file = join(folder, 'report.json');
  try {
    const ok = await showStep({
      name: projects.join(', '),
      command: bin('vitest'),
      args: [
        'run',
        ...projects.map((project) => `--project=${project}`),
        '--reporter=default',
        '--reporter=json',
        `--outputFile.json=${file}`,
      ],
      env: { NODE_ENV: 'test', FORCE_COLOR: process.stderr.isTTY ? '1' : '0', ...env },
    });
    return count(JSON.parse(await readFile(file, 'utf8')) as Report, ok);
  } catch {
    return { passed: 0, failed: 1 };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Where vitest itself said "failed" but no test did, something outside of tests broke. */
export function count(report: Report, ok: boolean): Count {
  const failed = report.numFailedTests;
  return { passed: report.numPassedTests, failed: ok && report.success ? failed : Math.max(failed, 1) };
}
