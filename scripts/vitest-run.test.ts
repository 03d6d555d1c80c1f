import { expect, test } from 'vitest';
import { count } from './vitest-run.ts';

const report = { numPassedTests: 3, numFailedTests: 0, numFailedTestSuites: 0, success: true };

test('counts tests, and a run that broke outside of them as one failure', () => {
  expect(count(report, true)).toEqual({ passed: 3, failed: 0 });
  expect(count({ ...report, numFailedTests: 2, success: false }, false)).toEqual({ passed: 3, failed: 2 });
  expect(count(report, false)).toEqual({ passed: 3, failed: 1 });
});
