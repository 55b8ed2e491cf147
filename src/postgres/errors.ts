import { TryAgainError } from '../errors.ts';

/**
 * What an error means for the work at hand. `refused`, `transient` and neither of them are the three
 * classes of failure: permanent, retryable, and a bug.
 */
type Trait =
  /** Postgres cannot store the value: the fault of the one row that holds it, however often it is tried. */
  | 'refused'
  /** The same work may succeed later, unchanged. */
  | 'transient'
  /** The connection must not be used again: another one may lead to a server without the trouble. */
  | 'discard'
  /** Less work at a time may succeed where the same work may fail forever. */
  | 'too_much'
  /** A prepared statement met a backend that did not prepare it: there is a pooler. */
  | 'other_backend'
  | 'not_permitted';

const IN_TROUBLE: readonly Trait[] = ['transient', 'discard'];
const TOO_MUCH: readonly Trait[] = ['transient', 'discard', 'too_much'];
const OTHER_BACKEND: readonly Trait[] = ['transient', 'other_backend'];

/**
 * Source: PostgreSQL, Appendix A, "PostgreSQL Error Codes". A code that is in neither table is a bug:
 * the other codes of classes 22 and 54, and all of class 23 (keys and constraints are this program's),
 * must not cost a customer an event.
 */
const SQLSTATES = new Map<string, readonly Trait[]>([
  ['22003', ['refused']], // numeric value out of range: a sum beyond bigint
  ['22008', ['refused']], // datetime field overflow
  ['22021', ['refused']], // character not in repertoire: not in the encoding of the database
  ['22P02', ['refused']], // invalid text representation: half a surrogate pair in JSON
  ['22P05', ['refused']], // untranslatable character: U+0000 in JSON
  ['54000', ['refused']], // program limit exceeded: a key too long for its index
  ['25P03', TOO_MUCH], // idle_in_transaction_session_timeout: too long between two statements
  ['25P04', TOO_MUCH], // transaction_timeout
  ['53200', TOO_MUCH], // out of memory
  ['53400', TOO_MUCH], // configuration limit exceeded: temp_file_limit
  ['57014', TOO_MUCH], // query canceled: statement_timeout, this program's or an administrator's
  ['26000', OTHER_BACKEND], // invalid SQL statement name: prepared on another backend
  ['42P05', OTHER_BACKEND], // duplicate prepared statement
  ['28000', ['transient']], // pg_hba.conf refuses, while a server is being set up
  ['28P01', ['transient']], // a password that is being changed
  ['3D000', ['transient']], // the database does not exist (yet)
  ['55P03', ['transient']], // lock not available
  ['42501', ['not_permitted']], // insufficient privilege
]);

/** The first two characters of an SQLSTATE, for codes that are not in the table above. */
const SQLSTATE_CLASSES = new Map<string, readonly Trait[]>([
  ['08', IN_TROUBLE], // connection exception
  ['25', IN_TROUBLE], // invalid transaction state: read-only after a failover
  ['40', ['transient']], // transaction rollback: deadlock, serialization failure
  ['53', IN_TROUBLE], // insufficient resources: disk full, too many connections
  ['57', IN_TROUBLE], // operator intervention: shutdown, crash recovery
  ['58', IN_TROUBLE], // system error: I/O
  ['XX', IN_TROUBLE], // internal error: a damaged block, a lost replica
]);

/** Codes of the operating system; all of them are `IN_TROUBLE`. */
const ERRNO = new Set([
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

/** What the driver says, without a code, when a connection was lost or gave no answer. */
const MESSAGES: readonly [pattern: RegExp, traits: readonly Trait[]][] = [
  [/^Query read timeout/, TOO_MUCH],
  [/^Connection terminated/, IN_TROUBLE],
  [/^timeout exceeded when trying to connect/, IN_TROUBLE],
  [/^timeout expired/, IN_TROUBLE],
  [/^Client has encountered a connection error/, IN_TROUBLE],
  [/^Client was closed and is not queryable/, IN_TROUBLE],
  [/server closed the connection unexpectedly/, IN_TROUBLE],
];

/** Whether Postgres refuses to store a value, so that the row with it can be set apart from the rest. */
export function isRefusedByPostgres(error: unknown): boolean {
  return traitsOf(error).includes('refused');
}

/** Whether the same work may succeed later, unchanged. */
export function isTransient(error: unknown): boolean {
  if (error instanceof TryAgainError) return true;
  if (error instanceof AggregateError) return error.errors.some(isTransient);
  return traitsOf(error).includes('transient');
}

/** Whether the connection on which the error came must not be used again. */
export function isConnectionLost(error: unknown): boolean {
  return traitsOf(error).includes('discard');
}

/**
 * Whether the server did not finish in time, or not with the memory it has: a part of the work may
 * succeed. Not so for a lock that another transaction holds: smaller work would wait for it as well.
 */
export function isTooMuchAtOnce(error: unknown): boolean {
  return traitsOf(error).includes('too_much');
}

/** Whether a statement was prepared on another backend than the one that answered. */
export function isOfAnotherBackend(error: unknown): boolean {
  return traitsOf(error).includes('other_backend');
}

/** Whether the database user lacks a right, here or in an error that this one was caused by. */
export function isNotPermitted(error: unknown): boolean {
  if (traitsOf(error).includes('not_permitted')) return true;
  return error instanceof Error && error.cause !== undefined && isNotPermitted(error.cause);
}

/** The SQLSTATE, or the code of the operating system. */
export function codeOf(error: unknown): string | undefined {
  const isCoded = typeof error === 'object' && error !== null && 'code' in error;
  return isCoded && typeof error.code === 'string' ? error.code : undefined;
}

/** Never throws, whatever was thrown. */
function traitsOf(error: unknown): readonly Trait[] {
  const code = codeOf(error);
  if (code !== undefined) {
    const bySqlState =
      SQLSTATES.get(code) ??
      (code.length === 5 ? SQLSTATE_CLASSES.get(code.slice(0, 2)) : undefined);
    if (bySqlState !== undefined) return bySqlState;
    if (ERRNO.has(code)) return IN_TROUBLE;
  }
  const message = error instanceof Error ? error.message : '';
  return MESSAGES.find(([pattern]) => pattern.test(message))?.[1] ?? [];
}
