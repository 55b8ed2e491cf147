import pg from 'pg';
import type { Settings } from '../config/settings.ts';
import { WrongUsageError } from '../errors.ts';
import { connectionConfig, type Database } from '../postgres/database.ts';
import { connectError } from '../postgres/pooler.ts';
import { beginWith, quoteIdentifier } from '../postgres/session-settings.ts';
import { prepareChangeIds } from './change-ids.ts';
import { prepareRoles, useLedgerRoles } from './ledger-roles.ts';
import { type Migration, readMigrations } from './migration-files.ts';
import { LockHeldError, lockMigration, migrationError } from './migration-lock.ts';
import { requireRecentServer, requireUnicode, requireUsableSchema } from './schema-owner.ts';

const TABLE = 'schema_migration';

export interface MigrationReport {
  /** Tags of the migrations that were applied now. */
  readonly applied: readonly string[];
  /** Tag of the newest migration that the database has. */
  readonly version: string;
  /** Warnings of the server, such as of roles that could not be created. */
  readonly warnings: readonly string[];
}

/**
 * Brings the database schema up to date: all missing migrations in one transaction, one process at a
 * time.
 *
 * @throws {WrongUsageError} when the database is newer than this program (an older program must not
 *   write to it), when another user owns the schema, or when a right is missing
 * @throws {UnreachableError} when a lock is held for longer than STARTUP_TIMEOUT_S
 */
export async function migrateDatabase(settings: Settings): Promise<MigrationReport> {
  const client = new pg.Client(connectionConfig(settings));
  const warnings: string[] = [];
  client.on('notice', ({ message }) => warnings.push(message ?? ''));
  client.on('error', () => {});
  try {
    await client.connect().catch((error: unknown) => {
      throw connectError(error);
    });
    const isNew = await inOneTransaction(client, settings, () => isWithoutLedger(client, settings));
    await prepareRoles(client, settings, isNew);
    const applied = await inOneTransaction(client, settings, () => bringUpToDate(client, settings));
    // In its own transaction: a partition that cannot be created does not roll the migration back.
    await inOneTransaction(client, settings, () =>
      client.query('SELECT prepare_ledger_partitions()'),
    );
    await inOneTransaction(client, settings, () => prepareChangeIds(client));
    const version = readMigrations().at(-1)?.tag ?? 'none';
    return { applied: applied.map(({ tag }) => tag), version, warnings };
  } finally {
    await client.end();
  }
}

/** @throws {WrongUsageError} when the schema could not be migrated by this user, or on this server */
async function isWithoutLedger(client: pg.Client, settings: Settings): Promise<boolean> {
  const schema = settings.DATABASE_SCHEMA;
  await requireRecentServer(client);
  await requireUsableSchema(client, schema);
  return (await newestMigration(client, schema)) === undefined;
}

/** @returns what was applied */
async function bringUpToDate(client: pg.Client, settings: Settings): Promise<Migration[]> {
  const schema = settings.DATABASE_SCHEMA;
  let missing = await missingMigrations(client, schema);
  if (missing.length > 0) {
    await lockMigration(client, schema);
    // Another process may have applied them while it held the lock.
    missing = await missingMigrations(client, schema);
  }
  const isNew = missing.length > 0 && (await newestMigration(client, schema)) === undefined;
  if (isNew) {
    await requireUnicode(client);
    const name = quoteIdentifier(schema);
    const { rows } = await client.query('SELECT FROM pg_namespace WHERE nspname = $1', [schema]);
    // IF NOT EXISTS would require the right to create it even where it exists.
    if (rows.length === 0) await client.query(`CREATE SCHEMA ${name}`);
    await client.query(
      `CREATE TABLE ${TABLE} (id serial PRIMARY KEY, hash text NOT NULL, created_at bigint)`,
    );
  }
  // In the order in which a worker's transaction takes them, before anything else is held: a migration
  // that comes to one while a batch waits for another would be the victim of the deadlock, each time.
  if (missing.length > 0 && !isNew) {
    await client.query(
      'LOCK TABLE consumer_position, session, ledger_page, session_model_usage IN ACCESS EXCLUSIVE MODE',
    );
  }
  const roles = await useLedgerRoles(client, settings, isNew);
  for (const { when, hash, statements } of missing) {
    for (const statement of statements) await client.query(roles.named(statement));
    await client.query(`INSERT INTO ${TABLE} (hash, created_at) VALUES ($1, $2)`, [hash, when]);
  }
  return missing;
}

async function missingMigrations(client: pg.Client, schema: string): Promise<Migration[]> {
  const newest = await newestMigration(client, schema);
  refuseNewer(newest, schema);
  return readMigrations().filter(({ when }) => when > (newest ?? 0));
}

async function inOneTransaction<T>(
  client: pg.Client,
  settings: Settings,
  work: () => Promise<T>,
): Promise<T> {
  const begin = beginWith(settings.DATABASE_SCHEMA, {
    mode: 'ISOLATION LEVEL READ COMMITTED',
    statementMs: 0,
    lockMs: Math.max(settings.STARTUP_TIMEOUT_S * 1_000, 1),
    idleMs: 0,
  });
  try {
    await client.query(`${begin}; SET LOCAL client_min_messages = warning`);
    const result = await work();
    await client.query('COMMIT');
    return result;
  } catch (error) {
    await client.query('ROLLBACK').catch(() => {});
    if (error instanceof LockHeldError) throw await error.withHolder(client, settings);
    throw migrationError(error, settings);
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
  const wanted = readMigrations().at(-1);
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
  // From the catalog: to_regclass may answer as of before the wait for a lock.
  const { rows } = await connection.query(
    `SELECT FROM pg_class JOIN pg_namespace AS namespace ON namespace.oid = relnamespace
      WHERE nspname = $1 AND relname = $2`,
    [schema, TABLE],
  );
  if (rows.length === 0) return undefined;
  const newest = await connection.query(`SELECT max(created_at) AS newest FROM ${table}`);
  const value = newest.rows[0]?.newest;
  return value === null ? undefined : Number(value);
}

function refuseNewer(newest: number | undefined, schema: string): void {
  const own = readMigrations().at(-1)?.when ?? 0;
  if (newest === undefined || newest <= own) return;
  const date = (ms: number) => new Date(ms).toISOString();
  throw new WrongUsageError(
    `schema "${schema}" was migrated by a newer usage-ledger (its newest migration is of ` +
      `${date(newest)}, this program's of ${date(own)}); run that version or a newer one`,
  );
}
