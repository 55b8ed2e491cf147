import type pg from 'pg';
import { messageOf, WrongUsageError } from '../errors.ts';

/**
 * Whether a pooler such as PgBouncer is between this program and Postgres: the process id that the
 * connection announced (BackendKeyData), which a pooler makes up, is not that of the backend. Each
 * transaction may then have another backend, on which no statement has been prepared.
 */
export function isPooled(connection: pg.ClientBase, backendPid: number): boolean {
  const { processID } = connection as pg.ClientBase & { readonly processID?: number | null };
  return processID !== backendPid;
}

/** PgBouncer's message for a start-up parameter that it does not pass on. */
const UNSUPPORTED_PARAMETER = /unsupported startup parameter(?: in options)?: ?(\S+)/;

/** The error of a failed connection; where no retry can succeed, one that says what to change. */
export function connectError(error: unknown): unknown {
  const parameter = UNSUPPORTED_PARAMETER.exec(messageOf(error))?.[1];
  if (parameter === undefined) return error;
  return new WrongUsageError(
    `DATABASE_URL: the pooler refuses the parameter "${parameter}"; remove it from the URL (and ` +
      'from PGOPTIONS), or name it in ignore_startup_parameters of pgbouncer.ini and set it by ' +
      'ALTER ROLE',
    { cause: error },
  );
}
