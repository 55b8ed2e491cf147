import type pg from 'pg';
import type { Settings } from '../config/settings.ts';
import { messageOf, UnreachableError, WrongUsageError } from '../errors.ts';
import { codeOf, isNotPermitted } from '../postgres/errors.ts';
import { quoteIdentifier } from '../postgres/session-settings.ts';

const LOCK_NOT_AVAILABLE = '55P03';
const DEADLOCK_DETECTED = '40P01';
const DEPENDENT_OBJECTS = '2BP01';

/** The key must stay the same in all versions of the program. */
const keyOf = (schema: string) => `usage_ledger:${quoteIdentifier(schema)}`;

/**
 * Takes the lock under which a schema is migrated, for this transaction: a lock of the session would
 * stay with the connection of a pooler.
 *
 * @throws {LockHeldError} after the transaction's `lock_timeout`
 */
export async function lockMigration(client: pg.ClientBase, schema: string): Promise<void> {
  try {
    await client.query('SELECT pg_advisory_xact_lock(hashtext($1))', [keyOf(schema)]);
  } catch (error) {
    if (codeOf(error) === LOCK_NOT_AVAILABLE) throw new LockHeldError();
    throw error;
  }
}

/** Any user who may connect can hold an advisory lock, so the message names the holder. */
export class LockHeldError extends Error {
  /** The error to report, once the transaction that waited has been rolled back. */
  async withHolder(client: pg.ClientBase, settings: Settings): Promise<UnreachableError> {
    const { DATABASE_SCHEMA: schema, STARTUP_TIMEOUT_S: seconds } = settings;
    const { rows } = await client.query<{ holder: string; pid: number }>(
      `SELECT lock.pid, format('process %s of user %s, application "%s"', lock.pid, usename,
          application_name) AS holder
        FROM pg_locks AS lock
        JOIN pg_database ON pg_database.oid = lock.database AND datname = current_database()
        LEFT JOIN pg_stat_activity AS activity ON activity.pid = lock.pid
        WHERE lock.locktype = 'advisory' AND lock.granted
          AND lock.classid::bigint = (hashtext($1)::bigint >> 32) & 4294967295
          AND lock.objid::bigint = hashtext($1)::bigint & 4294967295`,
      [keyOf(schema)],
    );
    const [found] = rows;
    const end = found === undefined ? '' : `: SELECT pg_terminate_backend(${found.pid})`;
    return new UnreachableError(
      `the lock to migrate schema "${schema}" was not free within ${seconds} s; it is held by ` +
        `${found?.holder ?? 'a process that has ended by now'}; if that is not a migration, end it${end}`,
    );
  }
}

/** The error to report for a migration that failed. */
export function migrationError(error: unknown, settings: Settings): unknown {
  const { DATABASE_SCHEMA: schema, STARTUP_TIMEOUT_S: seconds } = settings;
  const said = messageOf(error);
  if (codeOf(error) === LOCK_NOT_AVAILABLE) {
    return new UnreachableError(
      `migrate: a transaction held a relation of schema "${schema}" for more than ${seconds} s ` +
        `(${said}); end it or wait for it, and run migrate again`,
      { cause: error },
    );
  }
  if (codeOf(error) === DEADLOCK_DETECTED) {
    return new UnreachableError(
      `migrate: a transaction that reads schema "${schema}" and the migration waited for each other, and ` +
        'Postgres ended the migration; nothing was changed: run migrate again',
      { cause: error },
    );
  }
  if (codeOf(error) === DEPENDENT_OBJECTS) {
    const { detail } = error as pg.DatabaseError;
    return new WrongUsageError(
      `migrate: ${said} (${detail}); drop what depends on it, run migrate, and create it again`,
      { cause: error },
    );
  }
  if (isNotPermitted(error)) {
    return new WrongUsageError(
      `DATABASE_URL: ${said}; migrate must be run by the owner of schema "${schema}" and of all that is ` +
        'in it',
      { cause: error },
    );
  }
  return error;
}
