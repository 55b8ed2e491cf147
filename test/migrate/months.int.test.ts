import { afterEach, beforeEach, expect, test } from 'vitest';
import { migrateDatabase } from '../../src/migrate/migrate.ts';
import { prepareMonths } from '../../src/migrate/months.ts';
import { type Database, inTransaction } from '../../src/postgres/database.ts';
import { type LedgerWorld, newLedgerWorld } from '../support/ledger-world.ts';
import { encoded, messageAt } from '../support/messages.ts';
import { breaks, calls } from '../support/world.ts';

let world: LedgerWorld;
let database: Database;
beforeEach(async () => {
  world = await newLedgerWorld();
  database = world.database;
});
afterEach(async () => {
  await world.close();
});

/** The name of a month's partition, counted from this month. */
async function partitionOf(month: number): Promise<string> {
  const { rows } = await database.query(
    `SELECT 'ledger_page_' || to_char(date_trunc('month', now() AT TIME ZONE 'UTC')
      + make_interval(months => $1), 'YYYY_MM') AS name`,
    [month],
  );
  return rows[0].name;
}

async function partitions(): Promise<string[]> {
  const { rows } = await database.query(
    `SELECT inhrelid::regclass::text AS name FROM pg_inherits
      WHERE inhparent = 'ledger_page'::regclass ORDER BY 1`,
  );
  return rows.map(({ name }) => name);
}

async function pagesIn(partition: string): Promise<number> {
  const { rows } = await database.query(`SELECT count(*)::int AS n FROM ${partition}`);
  return rows[0].n;
}

/** Pages of this month in the default partition, as if its own had never been created. */
async function bookWithoutThisMonth(): Promise<string> {
  const name = await partitionOf(0);
  await database.query(`DROP TABLE ${name}`);
  const partition = await world.partition(0);
  await partition.book(
    world.ledger(),
    calls.events.slice(0, 60).map((event) => (offset) => messageAt(offset, encoded(event))),
  );
  expect(await pagesIn('ledger_page_default')).toBeGreaterThan(0);
  return name;
}

test('pages in the default partition are moved to their month, and later months are created', async () => {
  const name = await bookWithoutThisMonth();
  await database.query(`DROP TABLE ${await partitionOf(3)}`);
  const pages = await pagesIn('ledger_page_default');

  expect(await prepareMonths(database)).toEqual([]);

  expect(await pagesIn(name)).toBe(pages);
  expect(await pagesIn('ledger_page_default')).toBe(0);
  expect(await partitions()).toContain(await partitionOf(3));
  expect(await breaks(database)).toEqual([]);
  const partition = await world.partition(0, 'another group');
  const again = await partition.book(
    world.ledger(),
    calls.events.slice(0, 60).map((event) => (offset) => messageAt(offset, encoded(event))),
  );
  expect(again).toMatchObject({ counts: { applied: 0, conflict: 0 } });
});

test('migrate moves them as well', async () => {
  const name = await bookWithoutThisMonth();
  const { warnings } = await migrateDatabase(world.settings);
  expect(warnings).toEqual([]);
  expect(await pagesIn('ledger_page_default')).toBe(0);
  expect(await pagesIn(name)).toBeGreaterThan(0);
});

test('many of them are left to migrate, with a warning, and later months are created', async () => {
  const name = await bookWithoutThisMonth();
  await database.query(`DROP TABLE ${await partitionOf(2)}`);
  // As many sessions as it takes to be many.
  await database.query(
    `INSERT INTO ledger_page (session_id, period, revision, page, kafka_topic, kafka_partition,
        base_offset, entry_count, identities, source_id, request_id, event_us, offset_delta)
      SELECT 'made up ' || n, date_trunc('month', now() AT TIME ZONE 'UTC'), 1, 0, 'none', 0, 0, 0,
        '', '{}', '{}', '{}', '{}'
      FROM generate_series(1, 10001) AS n`,
  );

  expect(await prepareMonths(database)).toEqual([
    expect.stringMatching(`^${name} is not made.*run: usage-ledger migrate`),
  ]);
  expect(await partitions()).toContain(await partitionOf(2));
  expect(await partitions()).not.toContain(name);

  expect((await migrateDatabase(world.settings)).warnings).toEqual([]);
  expect(await pagesIn('ledger_page_default')).toBe(0);
  expect(await partitions()).toContain(name);
});

test('a month that cannot be created is a warning, and the others are created', async () => {
  const [taken, later] = [await partitionOf(1), await partitionOf(2)];
  await database.query(`DROP TABLE ${taken}; DROP TABLE ${later}`);
  // A constraint of the owner's that this month violates.
  await database.query(
    `ALTER TABLE ledger_page_default ADD CONSTRAINT odd CHECK (period IS NOT NULL);
      CREATE FUNCTION forbid() RETURNS event_trigger LANGUAGE plpgsql AS $$
      DECLARE made text := (SELECT string_agg(object_identity, ' ') FROM pg_event_trigger_ddl_commands());
      BEGIN
        IF made LIKE '%${taken}%' THEN RAISE EXCEPTION 'not this one'; END IF;
      END $$;
      CREATE EVENT TRIGGER forbid ON ddl_command_end EXECUTE FUNCTION forbid()`,
  );

  expect(await prepareMonths(database)).toEqual([`${taken} is not made: not this one`]);

  expect(await partitions()).toContain(later);
  expect(await partitions()).not.toContain(taken);
});

test('nothing is locked where nothing is missing, and a locked table is waited for two seconds only', async () => {
  await inTransaction(database, async (connection) => {
    await connection.query('LOCK TABLE ledger_page IN SHARE UPDATE EXCLUSIVE MODE');
    await connection.query('LOCK TABLE ledger_page_default IN ROW EXCLUSIVE MODE');
    await connection.query(`SELECT pg_advisory_lock(hashtext('usage_ledger:partitions'))`);
    expect(await prepareMonths(database)).toEqual([]);
    await connection.query(`SELECT pg_advisory_unlock(hashtext('usage_ledger:partitions'))`);
  });
  const last = await partitionOf(3);
  await database.query(`DROP TABLE ${last}`);
  await inTransaction(database, async (connection) => {
    await connection.query('SELECT FROM ledger_page_default');
    expect(await prepareMonths(database)).toEqual([
      `${last} is not made, since others use ledger_page for long; it is tried again later`,
    ]);
  });
  expect(await prepareMonths(database)).toEqual([]);
  expect(await partitions()).toContain(last);
});

test('four concurrent processes create every month once', async () => {
  for (let month = 0; month < 4; month += 1) {
    await database.query(`DROP TABLE ${await partitionOf(month)}`);
  }
  const all = await Promise.all(Array.from({ length: 4 }, () => prepareMonths(database)));
  expect(all.flat()).toEqual([]);
  expect(await partitions()).toHaveLength(5);
});
