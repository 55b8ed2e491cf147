/**
 * Every transaction sets what it depends on, for itself only: the server, the database, the role and
 * a pooler's connection may each have another opinion, and what a session has set is lost when a
 * pooler gives the next transaction another one. `SET LOCAL` in the round trip of BEGIN costs no
 * time on the wire and 20 to 40 µs on the server.
 *
 * Not set, and why: `default_transaction_read_only` is how an operator or a managed service (a full
 * disk) stops writers, and is waited for; `role` and `work_mem` are the operator's; `jit`, `enable_*`
 * and the other settings of the planner change no result.
 */

/**
 * Values cross as text in one form: what is read back is what was written. Of the other settings of
 * this kind (`bytea_output`, `extra_float_digits`, `intervalstyle`, `standard_conforming_strings`)
 * nothing of ours depends, which a test with odd values of all of them shows.
 */
const TEXT_FORMS = [
  ['datestyle', 'ISO,YMD'],
  ['timezone', 'UTC'],
  // Off, NULL in an array would be the text "NULL".
  ['array_nulls', 'on'],
] as const;

/** Since Postgres 17; a batch and a check last as long as they last. */
export const NO_TRANSACTION_LIMIT = '; SET LOCAL transaction_timeout = 0';

/** Asked in the first transaction of a connection. */
export const FIRST_QUESTION = `SELECT pg_backend_pid() AS pid,
  CASE WHEN current_setting('server_version_num')::int >= 170000
    THEN set_config('transaction_timeout', '0', true) END AS limit`;

export interface FirstAnswer {
  readonly pid: number;
  /** Null where the server knows no such setting. */
  readonly limit: string | null;
}

export interface TransactionKind {
  /** What follows BEGIN. */
  readonly mode: string;
  /** Limits in milliseconds; 0: none; `undefined`: as the server has it. */
  readonly statementMs: number | undefined;
  readonly lockMs: number;
  readonly idleMs: number;
}

/**
 * @param schema where names are looked up; temporary relations come last, so that nobody's hides ours
 * @returns statements for one round trip
 */
export function beginWith(schema: string, kind: TransactionKind): string {
  const { mode, statementMs, lockMs, idleMs } = kind;
  const settings: [name: string, value: string | number][] = [
    ['search_path', `${quoteIdentifier(schema)},pg_temp`],
    ['lock_timeout', lockMs],
    ['idle_in_transaction_session_timeout', idleMs],
    ...TEXT_FORMS.map(([name, value]): [string, string] => [name, value]),
  ];
  if (statementMs !== undefined) settings.push(['statement_timeout', statementMs]);
  return [`BEGIN ${mode}`, ...settings.map(([name, value]) => `SET LOCAL ${name}=${value}`)].join(
    ';',
  );
}

export function quoteIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
