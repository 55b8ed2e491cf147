/**
 * Every transaction sets what it depends on, with SET LOCAL: the server, the database, the role and a
 * pooler may each have other defaults, and the settings of a session are lost when a pooler gives its
 * next transaction another backend. In the round trip of BEGIN they take no time on the wire and 20 to
 * 40 µs on the server.
 *
 * Not set, and why: with `default_transaction_read_only` an operator or a managed service (a full disk)
 * stops writers, and the worker waits; `role` and `work_mem` are the operator's; `enable_*` and the other
 * planner settings change no result, but see `BY_INDEX`.
 */

/**
 * Text forms in which values are sent and read. No value depends on the other settings of this kind
 * (`bytea_output`, `extra_float_digits`, `intervalstyle`, `standard_conforming_strings`), so no statement
 * may return a float, which is printed with one digit under `extra_float_digits = -15`;
 * server-settings.int.test.ts runs with unusual values of them all.
 */
const TEXT_FORMS = [
  ['datestyle', 'ISO,YMD'],
  ['timezone', 'UTC'],
  // With `off`, NULL in an array would be the text "NULL".
  ['array_nulls', 'on'],
] as const;

/** For Postgres 17 and newer: a batch or a check has no limit as a whole. */
export const NO_TRANSACTION_LIMIT = '; SET LOCAL transaction_timeout = 0';

/**
 * Rows are looked up by index only. Of an empty table the planner expects a few pages, and reads all of it: a
 * statement that is prepared on a new ledger would do so until the table is analyzed, however it grows.
 */
export const BY_INDEX = ['hashjoin', 'mergejoin', 'seqscan']
  .map((method) => `; SET LOCAL enable_${method} = off`)
  .join('');

/** Runs in the first transaction of a connection. */
export const READ_BACKEND = `SELECT pg_backend_pid() AS pid,
  CASE WHEN current_setting('server_version_num')::int >= 170000
    THEN set_config('transaction_timeout', '0', true) END AS limit`;

export interface BackendRow {
  readonly pid: number;
  /** Null where the server has no transaction_timeout. */
  readonly limit: string | null;
}

/**
 * On by default. For tables that were not analyzed yet the planner expects costs at which it compiles a
 * query: seconds, where the query itself takes milliseconds.
 */
const NO_COMPILATION = ['jit', 'off'] as const;

export interface TransactionKind {
  /** What follows BEGIN. */
  readonly mode: string;
  /** Limits in milliseconds; 0: none; `undefined`: the server's. */
  readonly statementMs: number | undefined;
  readonly lockMs: number;
  readonly idleMs: number;
}

/**
 * @param schema where names are looked up; pg_temp comes last, so that no temporary relation hides one
 * @returns statements for one round trip
 */
export function beginWith(schema: string, kind: TransactionKind): string {
  const { mode, statementMs, lockMs, idleMs } = kind;
  const settings: (readonly [name: string, value: string | number])[] = [
    ['search_path', `${quoteIdentifier(schema)},pg_temp`],
    ['lock_timeout', lockMs],
    ['idle_in_transaction_session_timeout', idleMs],
    NO_COMPILATION,
    ...TEXT_FORMS,
  ];
  if (statementMs !== undefined) settings.push(['statement_timeout', statementMs]);
  return [`BEGIN ${mode}`, ...settings.map(([name, value]) => `SET LOCAL ${name}=${value}`)].join(
    ';',
  );
}

export function quoteIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
