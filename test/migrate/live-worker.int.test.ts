import pg from 'pg';
import { expect, test } from 'vitest';
import { loadSettings } from '../../src/config/settings.ts';
import { migrateDatabase } from '../../src/migrate/migrate.ts';
import { migratedBefore } from '../support/migrated-before.ts';
import { freshDatabase } from '../support/stack.ts';
import { until } from '../support/until.ts';

// It locked session before consumer_position, a batch the other way round: each waited for the other, and
// the migration, which had waited for a shorter time, was the one that Postgres ended.
test('a migration waits for a batch that is under way, and holds nothing that the batch still needs', async () => {
  const { url, drop } = await freshDatabase();
  const settings = loadSettings({ DATABASE_URL: url }, ['database']);
  const [worker, observer] = [url, url].map(
    (connectionString) => new pg.Client({ connectionString }),
  );
  if (worker === undefined || observer === undefined) throw new Error('two clients');
  await Promise.all([worker.connect(), observer.connect()]);
  try {
    await migratedBefore(worker, '0011_usage_of_1_8');
    await worker.query(
      `INSERT INTO consumer_position (group_id, topic, partition, next_offset, pass_first_offset,
        range_first_offset) VALUES ('g', 'calls', 0, 0, 0, 0)`,
    );

    await worker.query('BEGIN');
    await worker.query('SELECT FROM consumer_position FOR UPDATE');
    const migrated = migrateDatabase(settings);
    await until('the migration waits', () => isWaitedFor(observer));
    await worker.query("SET LOCAL lock_timeout = '5s'");
    await worker.query('SELECT FROM session FOR UPDATE');
    await worker.query('SELECT FROM ledger_page');
    await worker.query('COMMIT');

    expect((await migrated).applied.length).toBeGreaterThan(5);
  } finally {
    await Promise.all([worker.end(), observer.end()]);
    await drop();
  }
});

// The periods were computed before the triggers waited for the change, which was in neither.
test('a price that is changing while the price periods are migrated is in them', async () => {
  const { url, drop } = await freshDatabase();
  const settings = loadSettings({ DATABASE_URL: url }, ['database']);
  const [finance, observer] = [url, url].map(
    (connectionString) => new pg.Client({ connectionString }),
  );
  if (finance === undefined || observer === undefined) throw new Error('two clients');
  await Promise.all([finance.connect(), observer.connect()]);
  try {
    await migratedBefore(finance, '0018_price_periods');
    await finance.query('BEGIN');
    await finance.query(`INSERT INTO model_price
      (usage_type, provider, model, dimension, unit_price, per, currency, valid_from)
      VALUES ('tts_usage', 'p', 'm', 'characters_count', 7, 1000, 'USD', '2026-01-01')`);
    const migrated = migrateDatabase(settings);
    await until('the migration waits', () => isWaitedFor(observer));
    await finance.query('COMMIT');
    await migrated;

    const { rows } = await finance.query(
      "SELECT model, unit_prices[1]::text AS price FROM price_period WHERE currency = 'USD'",
    );
    expect(rows).toEqual([{ model: 'm', price: '7' }]);
  } finally {
    await Promise.all([finance.end(), observer.end()]);
    await drop();
  }
});

async function isWaitedFor(observer: pg.Client): Promise<boolean> {
  const { rows } = await observer.query(
    'SELECT FROM pg_locks WHERE NOT granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())',
  );
  return rows.length > 0;
}
