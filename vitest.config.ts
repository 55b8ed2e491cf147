import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    // As many as there are cores on the smallest machine: what waits for a service leaves one idle.
    maxWorkers: 2,
    projects: [
      { test: { name: 'unit', include: ['test/**/*.unit.test.ts'] } },
      {
        test: {
          name: 'services',
          include: ['test/**/*.{int,e2e}.test.ts'],
          globalSetup: ['test/support/stack.setup.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          // Tests of faults wait most of the time.
          maxConcurrency: 16,
        },
      },
    ],
  },
});
