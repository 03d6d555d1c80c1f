/** A scenario with pages that fails says what they showed then. */
import { afterEach } from 'vitest';
import type { Browsing } from './browsing.ts';

/** Of the scenarios of the file that says so. */
export function tellFailures(browsing: () => Browsing | undefined): void {
  afterEach(async ({ task }) => {
    if (task.result?.state !== 'fail') return;
    process.stderr.write(`\n${task.name}\n${(await browsing()?.told()) ?? 'no portal'}\n`);
  });
}
