import pg from 'pg';
import type { Settings } from '../config/settings.ts';
import { messageOf, WrongUsageError } from '../errors.ts';
import { sendLargeParametersAsTheyLie } from './large-parameters.ts';
import { isConnectionSpoilt } from './sql-errors.ts';

export type Database = pg.Pool;
export type Connection = pg.PoolClient;

const CONNECT_TIMEOUT_MS = 5_000;

/**
 * A statement of ours that has no answer after this long never gets one: its connection was cut
 * without a word, and the kernel would go on sending for a quarter of an hour.
 */
export const ANSWER_TIMEOUT_MS = 20_000;
/** A little before, so that the server says so itself and its locks end with it. */
const STATEMENT_TIMEOUT_MS = ANSWER_TIMEOUT_MS - 2_000;

/**
 * What bounds a transaction on the server, so that no worker waits for one that is frozen or out of
 * reach: its locks end, and it has no effect. A wait for a lock, and a statement, end before the
 * statement is given up here: no backend goes on with what nobody waits for, with its locks held.
 */
const BEGIN = [
  'BEGIN',
  `SET LOCAL lock_timeout = ${ANSWER_TIMEOUT_MS / 2}`,
  `SET LOCAL statement_timeout = ${STATEMENT_TIMEOUT_MS}`,
  `SET LOCAL idle_in_transaction_session_timeout = 15000`,
].join('; ');

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
  // One that breaks between two statements of a transaction tells the next statement; an error
  // event that nobody listens for would end the process.
  pool.on('connect', (connection) => {
    connection.on('error', () => {});
    sendLargeParametersAsTheyLie(connection);
  });
  return pool;
}

/** @throws {WrongUsageError} when DATABASE_URL names files that are not there, such as sslrootcert */
export function connectionConfig(settings: Settings): pg.ClientConfig {
  const searchPath = `-c search_path=${quoteIdentifier(settings.DATABASE_SCHEMA)}`;
  // The driver lets the URL's own options replace ours: they are put together.
  const url = new URL(settings.DATABASE_URL);
  const own = url.searchParams.get('options');
  if (own !== null) url.searchParams.set('options', `${own} ${searchPath}`);
  const config = {
    connectionString: own === null ? settings.DATABASE_URL : url.href,
    application_name: 'usage-ledger',
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    options: searchPath,
  };
  try {
    // Reads the URL and the files that it names; connects to nothing.
    new pg.Client(config);
  } catch (error) {
    throw new WrongUsageError(`DATABASE_URL: ${messageOf(error)}`);
  }
  return config;
}

export function quoteIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** Runs `work` on a connection of the pool; one that is of no use any more is discarded. */
export async function onConnection<T>(
  database: Database,
  work: (connection: Connection) => Promise<T>,
): Promise<T> {
  const connection = await database.connect();
  let spoilt = false;
  try {
    return await work(connection);
  } catch (error) {
    spoilt = isConnectionSpoilt(error);
    throw error;
  } finally {
    connection.release(spoilt);
  }
}

/**
 * Runs `work` in a transaction and commits it. Any error, also one of the commit, rolls back and
 * is thrown; a connection that cannot even roll back is discarded.
 */
export async function inTransaction<T>(
  database: Database,
  work: (connection: Connection) => Promise<T>,
): Promise<T> {
  return onConnection(database, async (connection) => {
    try {
      await control(connection, BEGIN);
      const result = await work(connection);
      await control(connection, 'COMMIT');
      return result;
    } catch (error) {
      // A connection that is closed is rolled back by the server.
      if (!isConnectionSpoilt(error)) await control(connection, 'ROLLBACK');
      throw error;
    }
  });
}

async function control(connection: Connection, text: string): Promise<void> {
  const query: AnsweredQuery = { text, query_timeout: ANSWER_TIMEOUT_MS };
  await connection.query(query);
}

/** `pg` knows a time limit for each query; its types do not. */
export type AnsweredQuery = pg.QueryConfig & { readonly query_timeout: number };
