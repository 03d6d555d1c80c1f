import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['{protocol,server,db,sandbox,app,scripts,bench,e2e/machine}/**/*.test.ts'],
          exclude: ['**/*.integration.test.ts', '**/node_modules/**'],
          // Properties and password hashes are a second's work; on a machine that is busy, many.
          testTimeout: 30_000,
        },
      },
      {
        test: {
          name: 'integration',
          include: ['{server,db,sandbox,scripts,e2e}/**/*.integration.test.ts'],
          globalSetup: ['e2e/parts.ts'],
          testTimeout: 60_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          name: 'e2e',
          include: ['e2e/scenarios/**/*.test.ts'],
          globalSetup: ['e2e/parts.ts'],
          testTimeout: 120_000,
          // Each has a portal and a browser of its own: two at once would slow each other.
          fileParallelism: false,
          hookTimeout: 300_000,
        },
      },
    ],
  },
});
