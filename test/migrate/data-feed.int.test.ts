import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { loadSettings, type Settings } from '../../src/config/settings.ts';
import { migrateDatabase } from '../../src/migrate/migrate.ts';
import { migratedBefore } from '../support/migrated-before.ts';
import { freshDatabase } from '../support/stack.ts';
import { until } from '../support/until.ts';

/** A ledger with data, of before the change feed. */

let settings: Settings;
let client: pg.Client;
let drop: () => Promise<void>;

beforeAll(async () => {
  const fresh = await freshDatabase();
  drop = fresh.drop;
  settings = loadSettings({ DATABASE_URL: fresh.url }, ['database']);
  client = new pg.Client({ connectionString: fresh.url });
  await client.connect();
  await migratedBefore(client, '0014_data_feed');
  await client.query(`
    INSERT INTO session (session_id, first_event_at, last_event_at, revision)
      SELECT 'call ' || n, '2026-01-01', '2026-01-01', 1 FROM generate_series(1, 9) AS n;
    INSERT INTO session_model_usage (session_id, usage_type, provider, model, first_event_at,
        last_event_at, updated_at)
      VALUES ('call 3', 'llm_usage', 'p', 'm', '2026-01-01', '2026-01-01', '2026-01-02');
    INSERT INTO consumer_position (group_id, topic, partition, next_offset, pass_first_offset,
        range_first_offset)
      VALUES ('g', 'calls', 0, 2, 0, 0), ('g.replay-20260101120000-0a1b2c', 'old', 0, 2, 0, 0)`);
  await client.query(PAGE);
  await migrateDatabase(settings);
});
afterAll(async () => {
  await client.end();
  await drop();
});

/** As a worker of the earlier build inserts it. */
const PAGE = `INSERT INTO ledger_page (session_id, period, revision, page, kafka_topic, kafka_partition,
    base_offset, entry_count, identities, source_id, request_id, event_us, offset_delta)
  SELECT 'call 3', '2026-01-01', count(*), 0, 'calls', 0, 0, 1, '\\x00', '{1}', '{a}', '{0}', '{0}'
  FROM ledger_page`;

async function changesAfter(cursor: string) {
  const { rows } = await client.query(
    'SELECT * FROM usage_change WHERE change_id > $1 ORDER BY change_id LIMIT 4',
    [cursor],
  );
  return rows;
}

test('a reader that begins at 0 gets every session once, a few at a time', async () => {
  const seen: string[] = [];
  let cursor = '0';
  const poll = async () => {
    for (const { change_id, session_id } of await changesAfter(cursor)) {
      cursor = change_id;
      seen.push(session_id);
    }
    return seen.length >= 9;
  };
  await until('all are seen', poll);
  expect(seen.toSorted()).toEqual(Array.from({ length: 9 }, (_, i) => `call ${i + 1}`));
  const { rows } = await client.query(
    `SELECT changed_at FROM usage_change WHERE session_id = 'call 3'`,
  );
  expect(rows).toEqual([{ changed_at: new Date('2026-01-02T00:00:00Z') }]);
  expect(await changesAfter(cursor)).toEqual([]);

  await client.query(PAGE);
  await until('it is shown', async () => (await changesAfter(cursor)).length === 1);
});

test('nothing is known yet of its partitions, and groups of replays do not count', async () => {
  const { rows } = await client.query('SELECT * FROM billing_watermark');
  expect(rows).toEqual([{ topic: 'calls', partition: 0, applied_until: new Date(0) }]);
});

test('everything that came with it has a comment', async () => {
  const { rows } = await client.query(`
    SELECT relname || coalesce('.' || attname, '') AS name
    FROM pg_class
    LEFT JOIN pg_attribute ON attrelid = pg_class.oid AND attnum > 0 AND relname <> 'late_usage'
    WHERE relnamespace = 'usage_ledger'::regnamespace AND relname IN ('usage_change',
      'billing_watermark', 'billing_day', 'late_usage', 'session_change', 'session_account_change')
      AND (col_description(pg_class.oid, attnum) IS NULL
        OR obj_description(pg_class.oid, 'pg_class') IS NULL)
      AND NOT (relname = 'late_usage' AND obj_description(pg_class.oid, 'pg_class') IS NOT NULL)`);
  expect(rows).toEqual([]);
});
