import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { drizzle } from 'drizzle-orm/node-postgres';
import { migrate } from 'drizzle-orm/node-postgres/migrator';
import pg from 'pg';
import type { Settings } from '../config/settings.ts';
import { WrongUsageError } from '../errors.ts';
import { connectionConfig, type Database, quoteIdentifier } from './database.ts';

// migrations/ lies at the package root: two up from src/ledger and from dist/ledger alike.
const MIGRATIONS = fileURLToPath(new URL('../../migrations', import.meta.url));
const TABLE = 'schema_migration';

interface Journal {
  entries: { tag: string; when: number }[];
}

export interface MigrationReport {
  /** Tags of the migrations that were applied now. */
  readonly applied: readonly string[];
  /** Tag of the newest migration that the database has. */
  readonly version: string;
  /** What the server remarked, such as roles that could not be made. */
  readonly warnings: readonly string[];
}

/**
 * Brings the database schema up to date: all missing migrations in one transaction, one process at
 * a time, whoever else starts.
 *
 * @throws {WrongUsageError} when the database is newer than this program: an older program must
 *   not write to it
 */
export async function migrateDatabase(settings: Settings): Promise<MigrationReport> {
  const client = new pg.Client(connectionConfig(settings));
  const warnings: string[] = [];
  client.on('notice', ({ message }) => warnings.push(message ?? ''));
  await client.connect();
  try {
    await client.query('SET client_min_messages = warning');
    const schema = quoteIdentifier(settings.DATABASE_SCHEMA);
    // Held until the connection ends; the key is the same in every version of the program.
    await client.query('SELECT pg_advisory_lock(hashtext($1))', [`usage_ledger:${schema}`]);
    await client.query(`CREATE SCHEMA IF NOT EXISTS ${schema}`);
    const before = await newestMigration(client, settings.DATABASE_SCHEMA);
    refuseNewer(before, settings.DATABASE_SCHEMA);
    await migrate(drizzle(client), {
      migrationsFolder: MIGRATIONS,
      migrationsSchema: settings.DATABASE_SCHEMA,
      migrationsTable: TABLE,
    });
    await client.query('SELECT prepare_ledger_partitions()');
    const { entries } = journal();
    return {
      applied: entries.filter(({ when }) => when > (before ?? 0)).map(({ tag }) => tag),
      version: entries.at(-1)?.tag ?? 'none',
      warnings,
    };
  } finally {
    await client.end();
  }
}

/**
 * Checks that the database has exactly the migrations of this program.
 *
 * @throws {WrongUsageError} saying what to do
 */
export async function requireCurrentSchema(database: Database, settings: Settings): Promise<void> {
  const newest = await newestMigration(database, settings.DATABASE_SCHEMA);
  refuseNewer(newest, settings.DATABASE_SCHEMA);
  const wanted = journal().entries.at(-1);
  if (wanted !== undefined && newest !== wanted.when) {
    const state = newest === undefined ? 'has no tables yet' : 'is older than this program';
    throw new WrongUsageError(
      `schema "${settings.DATABASE_SCHEMA}" ${state}; run: usage-ledger migrate`,
    );
  }
}

async function newestMigration(
  connection: Pick<pg.ClientBase, 'query'>,
  schema: string,
): Promise<number | undefined> {
  const table = `${quoteIdentifier(schema)}.${TABLE}`;
  const exists = await connection.query('SELECT to_regclass($1) AS table', [table]);
  if (exists.rows[0]?.table === null) return undefined;
  const newest = await connection.query(`SELECT max(created_at) AS newest FROM ${table}`);
  const value = newest.rows[0]?.newest;
  return value === null ? undefined : Number(value);
}

function refuseNewer(newest: number | undefined, schema: string): void {
  const own = journal().entries.at(-1)?.when ?? 0;
  if (newest === undefined || newest <= own) return;
  const made = (ms: number) => new Date(ms).toISOString();
  throw new WrongUsageError(
    `schema "${schema}" was migrated by a newer usage-ledger (its newest migration is of ` +
      `${made(newest)}, ours of ${made(own)}); run that version or a newer one`,
  );
}

function journal(): Journal {
  return JSON.parse(readFileSync(`${MIGRATIONS}/meta/_journal.json`, 'utf8'));
}
