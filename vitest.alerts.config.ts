import { defineConfig } from 'vitest/config';

/** Every alert is made to fire by breaking what it is about, under a real Prometheus: some minutes. */
export default defineConfig({
  test: {
    include: ['test/deploy/alerts.live.test.ts'],
    globalSetup: ['test/support/stack.setup.ts'],
    testTimeout: 300_000,
    hookTimeout: 120_000,
  },
});
