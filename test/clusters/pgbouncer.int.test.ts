import pg from 'pg';
import { afterEach, describe, expect, test } from 'vitest';
import { loadSettings } from '../../src/config/settings.ts';
import { WrongUsageError } from '../../src/errors.ts';
import { migrateDatabase, requireCurrentSchema } from '../../src/migrate/migrate.ts';
import { openDatabase } from '../../src/postgres/database.ts';
import { cli } from '../support/cli.ts';
import { newLedgerWorld } from '../support/ledger-world.ts';
import { encoded, messageAt } from '../support/messages.ts';
import { type PgBouncer, startPgBouncer } from '../support/pgbouncer.ts';
import { freshDatabase, stackUrls } from '../support/stack.ts';
import { breaks, calls, differencesFromPython, newWorld } from '../support/world.ts';

const MODES: readonly (readonly [string, readonly string[]])[] = [
  ['its default configuration', []],
  ['pool_mode = session', ['pool_mode = session']],
  ['pool_mode = transaction', ['pool_mode = transaction']],
  // Every transaction of a connection meets another backend.
  ['transactions in turn', ['pool_mode = transaction', 'server_round_robin = 1']],
];

const open: { stop(): Promise<void> }[] = [];
afterEach(async () => {
  for (const item of open.splice(0).reverse()) await item.stop();
});

async function bouncer(settings: readonly string[]): Promise<PgBouncer> {
  const started = await startPgBouncer(stackUrls().databaseUrl, settings);
  open.push(started);
  return started;
}

describe.each(MODES)('PgBouncer with %s', (_, settings) => {
  test('a worker books recorded calls, and a second run adds nothing', async () => {
    const { url } = await bouncer(settings);
    const world = await newWorld(2, { ...stackUrls(), databaseUrl: url });
    const messages = await world.encode(calls.events);
    await world.send(messages);
    await world.run();
    await world.send(messages.slice(0, 300));

    const { counts } = await world.run({ env: { DATABASE_POOL_SIZE: '4' } });

    expect(counts).toMatchObject({ applied: 0, conflict: 0, dead_letter: 0 });
    expect(await differencesFromPython(world.database)).toEqual([]);
    expect(await breaks(world.database)).toEqual([]);
    for (const command of [['verify'], ['report', '--format', 'csv'], ['position', 'show']]) {
      expect(await cli(command, world.env)).toMatchObject({ code: 0, stderr: '' });
    }
    await world.close();
  });

  test('eight concurrent migrations create one schema and leave no lock', async () => {
    const { url } = await bouncer(settings);
    const database = await freshDatabase(url);
    const env = loadSettings({ DATABASE_URL: database.url }, ['database']);

    const reports = await Promise.all(Array.from({ length: 8 }, () => migrateDatabase(env)));

    expect(reports.filter(({ applied }) => applied.length > 0)).toHaveLength(1);
    const pool = openDatabase(env, 2);
    await requireCurrentSchema(pool, env);
    const { rows } = await pool.query(
      `SELECT FROM pg_locks JOIN pg_database ON pg_database.oid = database
        WHERE datname = current_database() AND locktype = 'advisory'`,
    );
    expect(rows).toEqual([]);
    await pool.end();
    await database.drop();
  });
});

test('settings of another client on a pooled connection do not affect the ledger', async () => {
  const { url } = await bouncer(['pool_mode = transaction', 'default_pool_size = 1']);
  const world = await newLedgerWorld(url);
  const otherClient = new pg.Client({ connectionString: world.settings.DATABASE_URL });
  await otherClient.connect();
  await otherClient.query(`SET datestyle = 'German'`);
  await otherClient.query(`SET array_nulls = off`);
  await otherClient.query(`SET search_path = nowhere`);
  await otherClient.query(`SET timezone = 'Asia/Kathmandu'`);
  const partition = await world.partition(0);
  const some = calls.events
    .slice(0, 50)
    .map((event) => (offset: number) => messageAt(offset, encoded(event)));
  await partition.book(world.ledger(), some);

  const again = await partition.book(world.ledger(), some);

  expect(again).toMatchObject({ status: 'applied', counts: { applied: 0, conflict: 0 } });
  expect(await breaks(world.database)).toEqual([]);
  await otherClient.end();
  await world.close();
});

test('a parameter of DATABASE_URL that PgBouncer refuses is named at once', async () => {
  const { url } = await bouncer(['pool_mode = transaction']);
  const limited = new URL(url);
  limited.searchParams.set('options', '-c work_mem=1MB');
  const settings = loadSettings({ DATABASE_URL: limited.href }, ['database']);
  const pool = openDatabase(settings, 1);
  try {
    const error = await pool.query('SELECT 1').catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(WrongUsageError);
    expect((error as Error).message).toMatch(/pooler refuses the parameter "options"; remove it/);
  } finally {
    await pool.end();
  }
  const begun = performance.now();
  const result = await cli(['migrate'], { DATABASE_URL: limited.href });
  expect(result).toMatchObject({ code: 2, stderr: expect.stringMatching(/"options"/) });
  expect(performance.now() - begun).toBeLessThan(30_000);
});
