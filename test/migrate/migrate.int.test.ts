import { afterEach, beforeEach, expect, test } from 'vitest';
import { loadSettings, type Settings } from '../../src/config/settings.ts';
import { migrateDatabase, requireCurrentSchema } from '../../src/migrate/migrate.ts';
import { openDatabase } from '../../src/postgres/database.ts';
import { freshDatabase } from '../support/stack.ts';

let settings: Settings;
let drop: () => Promise<void>;
beforeEach(async () => {
  const database = await freshDatabase();
  drop = database.drop;
  settings = loadSettings({ DATABASE_URL: database.url, DATABASE_SCHEMA: 'Odd$Name' }, [
    'database',
  ]);
});
afterEach(async () => {
  await drop();
});

async function withDatabase(work: (database: ReturnType<typeof openDatabase>) => Promise<void>) {
  const database = openDatabase(settings, 2);
  try {
    await work(database);
  } finally {
    await database.end();
  }
}

test('eight concurrent migrations create one schema', async () => {
  const reports = await Promise.all(Array.from({ length: 8 }, () => migrateDatabase(settings)));

  expect(reports.filter(({ applied }) => applied.length > 0)).toHaveLength(1);
  await withDatabase((database) => requireCurrentSchema(database, settings));
});

test('a database without tables is refused, with the command that creates them', async () => {
  await withDatabase(async (database) => {
    await expect(requireCurrentSchema(database, settings)).rejects.toThrow(/usage-ledger migrate/);
  });
});

test('a database that a newer version migrated is refused, by migrate and by the worker', async () => {
  await migrateDatabase(settings);
  await withDatabase(async (database) => {
    await database.query(
      `INSERT INTO schema_migration (hash, created_at) VALUES ('of tomorrow', $1)`,
      [Date.now() + 86_400_000],
    );
    await expect(migrateDatabase(settings)).rejects.toThrow(/newer usage-ledger/);
    await expect(requireCurrentSchema(database, settings)).rejects.toThrow(/newer usage-ledger/);
  });
});

test('the ledger has a partition for this month and the next three, and a default partition', async () => {
  await migrateDatabase(settings);
  await withDatabase(async (database) => {
    const { rows } = await database.query<{ name: string }>(
      `SELECT inhrelid::regclass::text AS name FROM pg_inherits
        WHERE inhparent = 'ledger_page'::regclass ORDER BY 1`,
    );
    expect(rows).toHaveLength(5);
    expect(rows.map(({ name }) => name)).toContain('ledger_page_default');
  });
});

test('ANALYZE does not look into the pages of the ledger, also of a month that comes', async () => {
  await migrateDatabase(settings);
  await withDatabase(async (database) => {
    const { rows: months } = await database.query<{ name: string }>(
      `SELECT inhrelid::regclass::text AS name FROM pg_inherits
        WHERE inhparent = 'ledger_page'::regclass ORDER BY 1`,
    );
    await database.query(`DROP TABLE ${months[0]?.name}`);
    await database.query('SELECT prepare_ledger_partitions()');
    const { rows } = await database.query(
      `SELECT attname, count(*) FILTER (WHERE attstattarget = 0)::int AS left_out, count(*)::int AS all
        FROM pg_attribute JOIN pg_inherits ON attrelid = inhrelid
        WHERE inhparent = 'ledger_page'::regclass AND attnum > 0
        GROUP BY attname ORDER BY attname COLLATE "C"`,
    );
    const leftOut = rows.filter(({ left_out }) => left_out > 0);
    expect(leftOut.every(({ left_out, all }) => left_out === 5 && all === 5)).toBe(true);
    expect(leftOut.map(({ attname }) => attname)).toContain('request_id');
    expect(rows.filter(({ left_out }) => left_out === 0).map(({ attname }) => attname)).toEqual([
      'base_offset',
      'change_id',
      'entry_count',
      'is_correction',
      'kafka_partition',
      'kafka_topic',
      'page',
      'period',
      'recorded_at',
      'revision',
      'session_id',
    ]);
  });
});

test('two schemas of one database do not see each other', async () => {
  await migrateDatabase(settings);
  const other = { ...settings, DATABASE_SCHEMA: 'other' };
  await migrateDatabase(other);
  await withDatabase(async (database) => {
    const { rows } = await database.query(
      `SELECT count(*)::int AS n FROM pg_tables WHERE tablename = 'session_model_usage'`,
    );
    expect(rows).toEqual([{ n: 2 }]);
  });
});

test('options in DATABASE_URL are kept together with the search path', async () => {
  await migrateDatabase(settings);
  const url = new URL(settings.DATABASE_URL);
  url.searchParams.set('options', '-c statement_timeout=4321');
  const database = openDatabase({ ...settings, DATABASE_URL: url.href }, 1);
  try {
    const { rows } = await database.query(
      `SELECT current_schema() AS schema, current_setting('statement_timeout') AS timeout`,
    );
    expect(rows).toEqual([{ schema: 'Odd$Name', timeout: '4321ms' }]);
  } finally {
    await database.end();
  }
});
