import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

// Vitest would leave one core alone, which is half of the smallest machine that this must be quick on.
const cores = availableParallelism();

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['{protocol,server,db,sandbox,app,cli,scripts,bench,e2e/machine}/**/*.test.ts'],
          exclude: ['**/*.integration.test.ts', '**/node_modules/**'],
          maxWorkers: cores,
          sequence: { groupOrder: 0 },
          // Properties and password hashes are a second's work; on a machine that is busy, many.
          testTimeout: 30_000,
        },
      },
      {
        test: {
          name: 'integration',
          include: ['{server,db,sandbox,scripts,e2e}/**/*.integration.test.ts'],
          globalSetup: ['e2e/parts.ts'],
          // They wait for engines and clusters more than they work.
          maxWorkers: cores + 1,
          sequence: { groupOrder: 1 },
          testTimeout: 60_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          name: 'e2e',
          include: ['e2e/scenarios/**/*.test.ts'],
          globalSetup: ['e2e/parts.ts'],
          // Each has a portal of its own, some a browser; much of their time is waiting for clocks.
          maxWorkers: 2,
          sequence: { groupOrder: 2 },
          testTimeout: 120_000,
          hookTimeout: 300_000,
        },
      },
    ],
  },
});
