import pg from 'pg';
import { expect, test } from 'vitest';
import { loadSettings } from '../../src/config/settings.ts';
import { migrateDatabase } from '../../src/migrate/migrate.ts';
import { readMigrations } from '../../src/migrate/migration-files.ts';
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
    await worker.query('CREATE SCHEMA usage_ledger; SET search_path = usage_ledger');
    await worker.query('CREATE TABLE schema_migration (id serial, hash text, created_at bigint)');
    const migrations = readMigrations();
    const before = migrations.findIndex(({ tag }) => tag === '0011_usage_of_1_8');
    for (const { statements, hash, when } of migrations.slice(0, before)) {
      for (const statement of statements) await worker.query(statement);
      const values = [hash, when];
      await worker.query('INSERT INTO schema_migration (hash, created_at) VALUES ($1, $2)', values);
    }
    await worker.query(
      `INSERT INTO consumer_position (group_id, topic, partition, next_offset, pass_first_offset,
        range_first_offset) VALUES ('g', 'calls', 0, 0, 0, 0)`,
    );

    await worker.query('BEGIN');
    await worker.query('SELECT FROM consumer_position FOR UPDATE');
    const migrated = migrateDatabase(settings);
    await until('the migration waits', async () => {
      const { rows } = await observer.query(
        'SELECT FROM pg_locks WHERE NOT granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())',
      );
      return rows.length > 0;
    });
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
