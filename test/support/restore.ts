import { execFile } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { promisify } from 'node:util';
import type { Database } from '../../src/postgres/database.ts';
import type { ManagedProcess } from '../../tools/stack/stack.ts';

/** All that a batch writes. */
const TABLES = [
  'session',
  'ledger_page',
  'session_model_usage',
  'usage_source',
  'consumer_position',
  'consumed_range',
  'dead_letter',
  'event_conflict',
];

/**
 * Notes what the ledger holds now.
 *
 * @returns puts it back, on whatever connections there are
 */
export async function backedUp(database: Database): Promise<() => Promise<void>> {
  const name = `backup_${Date.now()}`;
  await database.query(`CREATE SCHEMA ${name}`);
  for (const table of TABLES)
    await database.query(`CREATE TABLE ${name}.${table} AS TABLE ${table}`);
  return async () => {
    const inserts = TABLES.map(
      (table) => `INSERT INTO ${table} OVERRIDING SYSTEM VALUE TABLE ${name}.${table}`,
    );
    await database.query(`BEGIN; TRUNCATE ${TABLES.join(', ')}; ${inserts.join('; ')};
      SELECT setval(pg_get_serial_sequence('usage_source', 'source_id'),
        (SELECT coalesce(max(source_id), 0) + 1 FROM usage_source), false);
      DROP SCHEMA ${name} CASCADE; COMMIT`);
  };
}

/**
 * Copies the files of a server, which stops for as long.
 *
 * @returns puts the copy in their place: the server as it was at this moment
 */
export async function filesBackedUp(
  server: ManagedProcess,
  database: Database,
): Promise<() => Promise<void>> {
  const { rows } = await database.query<{ data_directory: string }>('SHOW data_directory');
  const files = rows[0]?.data_directory ?? '';
  const copy = `${files}-backup`;
  const copied = async (from: string, to: string) => {
    await server.stop();
    await rm(to, { recursive: true, force: true });
    // With their owner, who may be another user than this one.
    await promisify(execFile)('cp', ['-a', from, to]);
    await server.start();
  };
  await copied(files, copy);
  return () => copied(copy, files);
}
