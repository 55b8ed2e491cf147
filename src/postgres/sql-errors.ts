import { TryAgainError } from '../errors.ts';

/**
 * What an error of the database means for the work at hand. SQLSTATE classes and codes are data
 * here; source: PostgreSQL, Appendix A, "PostgreSQL Error Codes".
 */

/**
 * What Postgres says of a value that it cannot store: never worth another try, and the fault of the
 * one event that brought it, which becomes a dead letter. Every other code of these classes, and all
 * of class 23 (keys and constraints are ours), is a bug of ours: it must not cost a customer his event.
 */
const REJECTED_CODES = new Set([
  '22003', // a number out of range: a sum beyond bigint
  '22008', // a time out of range
  '22021', // a character that the encoding of the database does not have
  '22P02', // a text that is no JSON or number to Postgres, such as half a surrogate pair
  '22P05', // a character that cannot be translated into it, such as U+0000 in JSON
  '54000', // a limit of the server: a key too long for its index, a text too long for JSON
]);

/** The server or the way to it is in trouble: the same work may succeed later. */
const TRANSIENT_CLASSES = new Set([
  '08', // connection exception
  '25', // invalid transaction state: read-only after a failover, idle in transaction time-out
  '40', // transaction rollback: deadlock, serialization failure
  '53', // insufficient resources: disk full, out of memory, too many connections
  '57', // operator intervention: shutdown, crash recovery, cancelled statement
  '58', // system error: I/O
  'XX', // internal error: a damaged block, a lost replica
]);
const TRANSIENT_CODES = new Set([
  '55P03', // lock not available
  '28P01', // a password that is being changed
  '28000', // refused by pg_hba.conf while a server is being set up
  '3D000', // the database is not there (yet)
  '26000', // a prepared statement is on another backend: a pooler that was not recognised
  '42P05', // the same, the other way round
]);

/** What smaller work may do without, although the same work may fail for ever. */
const TOO_MUCH_CODES = new Set([
  '57014', // statement_timeout, ours or an administrator's
  '25P03', // idle_in_transaction_session_timeout: the worker took too long between two statements
  '25P04', // transaction_timeout
  '53200', // out of memory
  '53400', // temp_file_limit and others
]);

const TRANSIENT_ERRNO = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
]);

/** What the driver says, without a code, of a connection that went away. */
const CONNECTION_LOST = [
  /^Connection terminated/,
  /^timeout exceeded when trying to connect/,
  /^timeout expired/,
  /^Client has encountered a connection error/,
  /^Query read timeout/,
  /^Client was closed and is not queryable/,
  /server closed the connection unexpectedly/,
];

/** Whether the database refused a value, so that the row that holds it can be told from the rest. */
export function isRejected(error: unknown): boolean {
  const code = codeOf(error);
  return code !== undefined && REJECTED_CODES.has(code);
}

/**
 * Classes of a server that is in trouble, stops or is only read from now on: another connection may
 * lead to another server, or to the same one without what ails this session.
 */
const SPOILT_CLASSES = new Set(['08', '25', '53', '57', '58', 'XX']);

/** Whether the connection on which the error came must not be used again. */
export function isConnectionSpoilt(error: unknown): boolean {
  const code = codeOf(error);
  if (code === undefined) return isConnectionLost(error);
  return code.length === 5 ? SPOILT_CLASSES.has(code.slice(0, 2)) : TRANSIENT_ERRNO.has(code);
}

/** Whether the same work may succeed later, unchanged. */
export function isTransient(error: unknown): boolean {
  if (error instanceof TryAgainError) return true;
  if (error instanceof AggregateError) return error.errors.some(isTransient);
  const code = codeOf(error);
  if (code !== undefined) {
    if (TRANSIENT_ERRNO.has(code) || TRANSIENT_CODES.has(code)) return true;
    if (code.length === 5) return TRANSIENT_CLASSES.has(code.slice(0, 2));
  }
  return isConnectionLost(error);
}

/**
 * Whether the server did not finish in time, or not with what it has: a part of the work may succeed.
 * Not a lock that somebody else holds, which smaller work would wait for as well.
 */
export function isTooMuchAtOnce(error: unknown): boolean {
  const code = codeOf(error);
  if (code !== undefined) return TOO_MUCH_CODES.has(code);
  return error instanceof Error && /^Query read timeout/.test(error.message);
}

function isConnectionLost(error: unknown): boolean {
  const message = error instanceof Error ? error.message : '';
  return CONNECTION_LOST.some((pattern) => pattern.test(message));
}

/** Whether the database user lacks a right: what he is, and not what he wants, has to change. */
export function isNotPermitted(error: unknown): boolean {
  if (codeOf(error) === '42501') return true;
  return error instanceof Error && error.cause !== undefined && isNotPermitted(error.cause);
}

/** The SQLSTATE, or the code of the system. */
export function codeOf(error: unknown): string | undefined {
  const isCoded = typeof error === 'object' && error !== null && 'code' in error;
  return isCoded && typeof error.code === 'string' ? error.code : undefined;
}
