import pg from 'pg';
import type { Settings } from '../config/settings.ts';
import { messageOf, WrongUsageError } from '../errors.ts';
import { connectError, isOfAnotherBackend, isPooled } from './pooler.ts';
import {
  beginWith,
  FIRST_QUESTION,
  type FirstAnswer,
  NO_TRANSACTION_LIMIT,
} from './session-settings.ts';
import { isConnectionSpoilt } from './sql-errors.ts';

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
const LOCK_TIMEOUT_MS = ANSWER_TIMEOUT_MS / 2;
const IDLE_TIMEOUT_MS = 15_000;

/**
 * A pool of connections. All work is done in transactions, which look up names in DATABASE_SCHEMA and
 * bring the settings that they depend on: no state of a connection outlives its transaction, so that
 * a pooler may give each of them another backend.
 */
export class Database extends pg.Pool {
  /** Begins a transaction that writes, and one that reads a snapshot for as long as it takes. */
  readonly #begin: string;
  readonly #beginSnapshot: string;
  /** What is to be said after BEGIN on each connection that has been used before. */
  readonly #known = new WeakMap<Connection, string>();
  #meetsOtherBackends = false;

  constructor(settings: Settings, size: number) {
    super({
      ...connectionConfig(settings),
      max: size,
      // A connection that a failed-over server left half open is noticed by the kernel.
      keepAlive: true,
      keepAliveInitialDelayMillis: 10_000,
    });
    const schema = settings.DATABASE_SCHEMA;
    // Who limits statements in the URL means this program.
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
    // An idle connection that breaks is replaced when the next one is asked for.
    this.on('error', () => {});
    // One that breaks between two statements of a transaction tells the next statement; an error
    // event that nobody listens for would end the process.
    this.on('connect', (connection) => {
      connection.on('error', () => {});
    });
  }

  /** One statement in a transaction of its own. It is not prepared under its name. */
  override query = ((query: string | pg.QueryConfig, values?: unknown[]) =>
    inTransaction(this, (connection) => {
      const { name: _, ...config } = typeof query === 'string' ? { text: query } : query;
      return connection.query(config, values);
    })) as pg.Pool['query'];

  /** @internal */
  async begin(connection: Connection): Promise<void> {
    await this.#open(connection, this.#begin);
  }

  /** @internal */
  async beginSnapshot(connection: Connection): Promise<void> {
    await this.#open(connection, this.#beginSnapshot);
  }

  /** A statement that one backend had prepared met another one: none is prepared any more. */
  noteError(error: unknown): void {
    if (isOfAnotherBackend(error)) this.#meetsOtherBackends = true;
  }

  async #open(connection: Connection, begin: string): Promise<void> {
    if (this.#meetsOtherBackends) unprepared.add(connection);
    const more = this.#known.get(connection);
    if (more !== undefined) {
      await control(connection, `${begin}${more}`);
      return;
    }
    // Several statements in one: the driver gives a result for each.
    const results: unknown = await control(connection, `${begin}; ${FIRST_QUESTION}`);
    const first = (results as pg.QueryResult<FirstAnswer>[]).at(-1)?.rows[0];
    if (first === undefined) throw new Error('a connection did not say to which backend it leads');
    if (isPooled(connection, first.pid)) unprepared.add(connection);
    this.#known.set(connection, first.limit === null ? '' : NO_TRANSACTION_LIMIT);
  }
}

/** Connections on which statements have no names. */
const unprepared = new WeakSet<object>();

/** Whether a statement that is prepared on the connection is still there in the next transaction. */
export function keepsStatements(connection: object): boolean {
  return !unprepared.has(connection);
}

/** @param size most connections at once */
export function openDatabase(settings: Settings, size: number): Database {
  return new Database(settings, size);
}

/** @throws {WrongUsageError} when DATABASE_URL names files that are not there, such as sslrootcert */
export function connectionConfig(settings: Settings): pg.ClientConfig {
  const config = {
    connectionString: settings.DATABASE_URL,
    application_name: 'usage-ledger',
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
  };
  try {
    // Reads the URL and the files that it names; connects to nothing.
    new pg.Client(config);
  } catch (error) {
    throw new WrongUsageError(`DATABASE_URL: ${messageOf(error)}`);
  }
  return config;
}

/**
 * Runs `work` in a transaction and commits it. Any error, also one of the commit, rolls back and
 * is thrown; a connection that cannot even roll back is discarded, as is one of no use any more.
 */
export async function inTransaction<T>(
  database: Database,
  work: (connection: Connection) => Promise<T>,
): Promise<T> {
  const connection = await connected(database);
  let isSpoilt = false;
  try {
    await database.begin(connection);
    const result = await work(connection);
    await commit(connection);
    return result;
  } catch (error) {
    database.noteError(error);
    // A connection that is closed is rolled back by the server.
    isSpoilt = isConnectionSpoilt(error) || !(await rollBack(connection));
    throw error;
  } finally {
    connection.release(isSpoilt);
  }
}

/** A connection that reads one snapshot. Release it with `true`: it is not used again. */
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
    throw connectError(error);
  }
}

/** A transaction in which a statement failed ends with COMMIT as well, and has no effect. */
async function commit(connection: Connection): Promise<void> {
  const { command } = await control(connection, 'COMMIT');
  if (command !== 'COMMIT') throw new Error('a transaction was rolled back by its COMMIT');
}

/** Whether it worked; why not is of no interest beside the error before. */
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

/** `pg` knows a time limit for each query; its types do not. */
export type AnsweredQuery = pg.QueryConfig & { readonly query_timeout: number };
