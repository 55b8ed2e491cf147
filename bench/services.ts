import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { loadSettings, type Settings } from '../src/config/settings.ts';
import { migrateDatabase } from '../src/migrate/migrate.ts';
import type { Stack } from '../tools/stack/stack.ts';

/** The services of one run, and databases on them. */
export interface BenchServices {
  /** Settings for a worker, on the database `postgres` unless another is named. */
  settings(env?: NodeJS.ProcessEnv): Settings;
  env(more?: NodeJS.ProcessEnv): NodeJS.ProcessEnv;
  /** An empty, migrated database, or a copy of another one. */
  freshDatabase(template?: BenchDatabase): Promise<BenchDatabase>;
  /** A database without any tables. */
  emptyDatabase(): Promise<BenchDatabase>;
}

export interface BenchDatabase {
  readonly url: string;
  query<R extends pg.QueryResultRow>(sql: string): Promise<R[]>;
  /** Writes out what was done before, on all of the server: what is timed next does not pay for it. */
  checkpoint(): Promise<void>;
  /** Closes our connection; the database stays. */
  disconnect(): Promise<void>;
  drop(): Promise<void>;
}

export function servicesOf(stack: Stack): BenchServices {
  const base = {
    KAFKA_BROKERS: stack.kafkaBrokers,
    SCHEMA_REGISTRY_URL: stack.schemaRegistryUrl,
    DATABASE_URL: stack.databaseUrl,
    HTTP_PORT: 'off',
    LOG_LEVEL: 'fatal',
    // Settings of the worker that may be tried out.
    ...pick(process.env, [
      'BUFFER_MAX_BYTES',
      'BATCH_MAX_EVENTS',
      'BATCH_LINGER_MS',
      'DATABASE_POOL_SIZE',
    ]),
  };
  const settings = (env: NodeJS.ProcessEnv = {}) =>
    loadSettings({ ...base, ...env }, ['kafka', 'registry', 'database']);
  return {
    settings,
    env: (more = {}) => ({ ...base, ...more }),
    async freshDatabase(template) {
      // Nobody may be connected to what is copied.
      await template?.disconnect();
      const database = await makeDatabase(stack.databaseUrl, template);
      if (template === undefined) await migrateDatabase(settings({ DATABASE_URL: database.url }));
      return database;
    },
    emptyDatabase: () => makeDatabase(stack.databaseUrl),
  };
}

async function makeDatabase(server: string, template?: BenchDatabase): Promise<BenchDatabase> {
  const name = `bench_${randomBytes(4).toString('hex')}`;
  const copied =
    template === undefined ? '' : `TEMPLATE ${new URL(template.url).pathname.slice(1)}`;
  await onServer(server, `CREATE DATABASE ${name} ${copied}`);
  const url = new URL(server);
  url.pathname = `/${name}`;
  const client = new pg.Client({
    connectionString: url.href,
    options: '-c search_path=usage_ledger',
  });
  // Whoever asks next gets the error; an event without a listener would hide what came before it.
  client.on('error', () => {});
  await client.connect();
  return {
    url: url.href,
    query: async <R extends pg.QueryResultRow>(sql: string) => (await client.query<R>(sql)).rows,
    checkpoint: async () => {
      await client.query('CHECKPOINT');
    },
    disconnect: () => client.end(),
    async drop() {
      await client.end();
      await onServer(server, `DROP DATABASE ${name} WITH (FORCE)`);
    },
  };
}

function pick(env: NodeJS.ProcessEnv, names: readonly string[]): NodeJS.ProcessEnv {
  return Object.fromEntries(names.filter((name) => env[name]).map((name) => [name, env[name]]));
}

async function onServer(url: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}
