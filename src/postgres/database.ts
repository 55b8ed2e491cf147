import pg from 'pg';
import type { Settings } from '../config/settings.ts';
import { messageOf, WrongUsageError } from '../errors.ts';
import { isConnectionLost, isOfAnotherBackend } from './errors.ts';
import { sendLargeParametersWithoutCopy } from './large-parameters.ts';
import { connectError, isPooled } from './pooler.ts';
import {
  type BackendRow,
  BY_INDEX,
  beginWith,
  NO_TRANSACTION_LIMIT,
  READ_BACKEND,
} from './session-settings.ts';

export type Connection = pg.PoolClient;

const CONNECT_TIMEOUT_MS = 5_000;

/**
 * How long a statement waits for its answer. Where a connection was cut without a reset, the kernel
 * would retransmit for a quarter of an hour.
 */
export const ANSWER_TIMEOUT_MS = 20_000;
/** Shorter, so that the server cancels the statement first and releases its locks. */
const STATEMENT_TIMEOUT_MS = ANSWER_TIMEOUT_MS - 2_000;

/**
 * Limits of a transaction on the server, so that no worker waits for another one that is frozen or
 * unreachable: the server rolls it back and releases its locks. All are shorter than the time limit of
 * this side, so that no backend continues, with its locks held, for a client that has given up.
 */
const LOCK_TIMEOUT_MS = ANSWER_TIMEOUT_MS / 2;
const IDLE_TIMEOUT_MS = 15_000;

/**
 * A pool of connections. All work is done in transactions, which look up names in DATABASE_SCHEMA and
 * set what they depend on: no state of a connection outlives its transaction, so that a pooler may give
 * each transaction another backend.
 */
export class Database extends pg.Pool {
  /** Begin a transaction that writes, and one that reads a snapshot without a time limit. */
  readonly #begin: string;
  readonly #beginSnapshot: string;
  /** What follows BEGIN on each connection that has been used before. */
  readonly #suffixes = new WeakMap<Connection, string>();
  #isPooled = false;
  /** Called with every error of a transaction or a connection, for metrics. */
  onError: ((error: unknown) => void) | undefined;

  constructor(settings: Settings, size: number) {
    super({
      ...connectionConfig(settings),
      max: size,
      // So that the kernel notices a connection that a failed server left half open.
      keepAlive: true,
      keepAliveInitialDelayMillis: 10_000,
    });
    const schema = settings.DATABASE_SCHEMA;
    // A statement_timeout in the URL takes precedence.
    const isLimited = settings.DATABASE_URL.includes('statement_timeout');
    this.#begin = beginWith(schema, {
      mode: 'ISOLATION LEVEL READ COMMITTED',
      statementMs: isLimited ? undefined : STATEMENT_TIMEOUT_MS,
      lockMs: LOCK_TIMEOUT_MS,
      idleMs: IDLE_TIMEOUT_MS,
    });
    this.#beginSnapshot = beginWith(schema, {
      mode: 'ISOLATION LEVEL REPEATABLE READ READ ONLY',
      statementMs: isLimited ? undefined : 0,
      lockMs: LOCK_TIMEOUT_MS,
      idleMs: 0,
    });
    // An error event without a listener would end the process. An idle connection that is lost is
    // replaced by the pool; one that is lost within a transaction fails the next statement.
    this.on('error', () => {});
    this.on('connect', (connection) => {
      connection.on('error', () => {});
      sendLargeParametersWithoutCopy(connection);
    });
  }

  /** Runs one statement in a transaction of its own, without preparing it. */
  override query = ((query: string | pg.QueryConfig, values?: unknown[]) =>
    inTransaction(this, (connection) => {
      const { name: _, ...config } = typeof query === 'string' ? { text: query } : query;
      return connection.query(config, values);
    })) as pg.Pool['query'];

  /** @internal */
  async begin(connection: Connection, settings = ''): Promise<void> {
    await this.#open(connection, this.#begin + settings);
  }

  /** @internal */
  async beginSnapshot(connection: Connection): Promise<void> {
    await this.#open(connection, this.#beginSnapshot);
  }

  /** After an error that only a pooler causes, statements are not prepared any more. */
  noteError(error: unknown): void {
    if (isOfAnotherBackend(error)) this.#isPooled = true;
    this.onError?.(error);
  }

  async #open(connection: Connection, begin: string): Promise<void> {
    if (this.#isPooled) unprepared.add(connection);
    const suffix = this.#suffixes.get(connection);
    if (suffix !== undefined) {
      await control(connection, `${begin}${suffix}`);
      return;
    }
    // Several statements in one query: the driver returns a result for each.
    const results: unknown = await control(connection, `${begin}; ${READ_BACKEND}`);
    const backend = (results as pg.QueryResult<BackendRow>[]).at(-1)?.rows[0];
    if (backend === undefined) throw new Error('pg_backend_pid() returned no row');
    if (isPooled(connection, backend.pid)) unprepared.add(connection);
    this.#suffixes.set(connection, backend.limit === null ? '' : NO_TRANSACTION_LIMIT);
  }
}

/** Connections on which statements are not prepared. */
const unprepared = new WeakSet<object>();

/** Whether statements that were prepared on the connection exist in its next transaction. */
export function keepsStatements(connection: object): boolean {
  return !unprepared.has(connection);
}

/** @param size maximum number of connections */
export function openDatabase(settings: Settings, size: number): Database {
  return new Database(settings, size);
}

/** @throws {WrongUsageError} when a file that DATABASE_URL names, such as sslrootcert, does not exist */
export function connectionConfig(settings: Settings): pg.ClientConfig {
  const config = {
    connectionString: settings.DATABASE_URL,
    application_name: 'usage-ledger',
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
  };
  try {
    // Parses the URL and reads the files that it names, without connecting.
    new pg.Client(config);
  } catch (error) {
    throw new WrongUsageError(`DATABASE_URL: ${messageOf(error)}`);
  }
  return config;
}

/**
 * Runs `work` in a transaction and commits it. Any error, of the commit too, rolls back and is thrown;
 * a connection that was lost, or on which ROLLBACK fails, is discarded.
 */
export function inTransaction<T>(
  database: Database,
  work: (connection: Connection) => Promise<T>,
): Promise<T> {
  return transaction(database, work, '');
}

/** The same, for statements that each look up some rows by their keys. */
export function inLookupTransaction<T>(
  database: Database,
  work: (connection: Connection) => Promise<T>,
): Promise<T> {
  return transaction(database, work, BY_INDEX);
}

async function transaction<T>(
  database: Database,
  work: (connection: Connection) => Promise<T>,
  settings: string,
): Promise<T> {
  const connection = await connected(database);
  let isLost = false;
  try {
    await database.begin(connection, settings);
    const result = await work(connection);
    await commit(connection);
    return result;
  } catch (error) {
    database.noteError(error);
    // Without a ROLLBACK on a lost connection: the server rolls back when it is closed.
    isLost = isConnectionLost(error) || !(await rollBack(connection));
    throw error;
  } finally {
    connection.release(isLost);
  }
}

/** A connection that reads one snapshot. Release it with `true`, so that it is not used again. */
export async function readingSnapshot(database: Database): Promise<Connection> {
  const connection = await connected(database);
  try {
    await database.beginSnapshot(connection);
    return connection;
  } catch (error) {
    connection.release(true);
    throw error;
  }
}

async function connected(database: Database): Promise<Connection> {
  try {
    return await database.connect();
  } catch (error) {
    database.onError?.(error);
    throw connectError(error);
  }
}

/** COMMIT succeeds on a transaction in which a statement failed as well, and rolls it back. */
async function commit(connection: Connection): Promise<void> {
  const { command } = await control(connection, 'COMMIT');
  if (command !== 'COMMIT')
    throw new Error('COMMIT rolled the transaction back: a statement in it had failed');
}

/** Whether it succeeded; the error that led to it is the one to report. */
async function rollBack(connection: Connection): Promise<boolean> {
  return control(connection, 'ROLLBACK').then(
    () => true,
    () => false,
  );
}

async function control(connection: Connection, text: string): Promise<pg.QueryResult> {
  const query: AnsweredQuery = { text, query_timeout: ANSWER_TIMEOUT_MS };
  return connection.query(query);
}

/** `pg` has a time limit for each query, which its types lack. */
export type AnsweredQuery = pg.QueryConfig & { readonly query_timeout: number };
