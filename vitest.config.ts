import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
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
