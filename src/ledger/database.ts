import pg from 'pg';
import type { Settings } from '../config/settings.ts';

export type Database = pg.Pool;
export type Connection = pg.PoolClient;

const CONNECT_TIMEOUT_MS = 5_000;

/**
 * A pool of connections whose search path is DATABASE_SCHEMA, so that no statement names it.
 *
 * @param size most connections at once
 */
export function openDatabase(settings: Settings, size: number): Database {
  const pool = new pg.Pool({
    ...connectionConfig(settings),
    max: size,
    // A connection that a failed-over server left half open is noticed by the kernel.
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
  });
  // An idle connection that breaks is replaced when the next one is asked for.
  pool.on('error', () => {});
  return pool;
}

export function connectionConfig(settings: Settings): pg.ClientConfig {
  return {
    connectionString: settings.DATABASE_URL,
    application_name: 'usage-ledger',
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    options: `-c search_path=${quoteIdentifier(settings.DATABASE_SCHEMA)}`,
  };
}

export function quoteIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/**
 * Runs `work` in a transaction and commits it. Any error, also one of the commit, rolls back and
 * is thrown; a connection that cannot even roll back is discarded.
 */
export async function inTransaction<T>(
  database: Database,
  work: (connection: Connection) => Promise<T>,
): Promise<T> {
  const connection = await database.connect();
  let broken: Error | undefined;
  try {
    await connection.query('BEGIN');
    const result = await work(connection);
    await connection.query('COMMIT');
    return result;
  } catch (error) {
    try {
      await connection.query('ROLLBACK');
    } catch (rollbackError) {
      broken = rollbackError as Error;
    }
    throw error;
  } finally {
    connection.release(broken);
  }
}
