import { defineConfig } from 'vitest/config';
import { findProgram } from './test/support/programs.ts';

/** Tests that need a program which a plain machine does not have, and the Debian package of it. */
const NEEDED: Record<string, { file: string; package: string }> = {
  pgbouncer: { file: 'test/clusters/pgbouncer.int.test.ts', package: 'pgbouncer' },
  initdb: { file: 'test/docs/operating.e2e.test.ts', package: 'postgresql' },
  prometheus: { file: 'test/deploy/dashboards.int.test.ts', package: 'prometheus' },
  promtool: { file: 'test/deploy/alerts.unit.test.ts', package: 'prometheus' },
};
const missing = Object.entries(NEEDED).filter(([name]) => findProgram(name) === undefined);
for (const [name, { file, package: wanted }] of missing) {
  process.stderr.write(`${file} is not run: no ${name} here; apt-get install ${wanted}\n`);
}

export default defineConfig({
  test: {
    // One more than there are cores on the smallest machine: much of it waits for services.
    maxWorkers: 3,
    projects: [
      {
        test: {
          name: 'unit',
          include: ['{test,clients/node/test}/**/*.{unit,model}.test.ts'],
          exclude: missing.map(([, { file }]) => file),
          // Properties take seconds, and many times that where other work has the cores.
          testTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'services',
          include: ['test/**/*.{int,e2e}.test.ts'],
          exclude: missing.map(([, { file }]) => file),
          globalSetup: ['test/support/stack.setup.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          // Tests of faults wait most of the time.
          maxConcurrency: 8,
        },
      },
      {
        test: {
          name: 'postgres-15',
          include: ['test/{ledger,migrate,postgres,verify}/**/*.int.test.ts'],
          // Counts bytes of WAL in a way that Postgres has since 18.
          exclude: ['test/ledger/cost.int.test.ts'],
          globalSetup: ['test/support/postgres-15.setup.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
