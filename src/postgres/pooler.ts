import type pg from 'pg';
import { messageOf, WrongUsageError } from '../errors.ts';

/**
 * A pooler such as PgBouncer stands between us and Postgres when the process that answers is not the
 * one that the connection was announced to be (BackendKeyData): a pooler makes that number up. It may
 * then give each transaction another backend, which knows nothing of a statement that was prepared on
 * the one before.
 */
export function isPooled(connection: pg.ClientBase, backendPid: number): boolean {
  const { processID } = connection as pg.ClientBase & { readonly processID?: number | null };
  return processID !== backendPid;
}

/**
 * What a pooler that was not recognised answers: a prepared statement is not there, or is already.
 * Source: PostgreSQL, Appendix A.
 */
const STATEMENT_OF_ANOTHER_BACKEND = new Set(['26000', '42P05']);

export function isOfAnotherBackend(error: unknown): boolean {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : '';
  return STATEMENT_OF_ANOTHER_BACKEND.has(String(code));
}

/** PgBouncer's words for a parameter of the start-up that it does not pass on. */
const REFUSED_PARAMETER = /unsupported startup parameter(?: in options)?: ?(\S+)/;

/** An error of connecting; one that no other attempt will ever overcome says what to change. */
export function connectError(error: unknown): unknown {
  const parameter = REFUSED_PARAMETER.exec(messageOf(error))?.[1];
  if (parameter === undefined) return error;
  return new WrongUsageError(
    `DATABASE_URL: the pooler refuses the parameter "${parameter}"; remove it from the URL (and ` +
      'from PGOPTIONS), or name it in ignore_startup_parameters of pgbouncer.ini and set it by ' +
      'ALTER ROLE',
    { cause: error },
  );
}
