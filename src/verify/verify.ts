import { readSkipped, type SkippedRow } from '../ledger/statements/unread.ts';
import { textArray } from '../postgres/arrays.ts';
import { type Connection, type Database, readingSnapshot } from '../postgres/database.ts';
import { CHECKS, type Check, SESSIONS_WRITTEN, sqlOf } from './checks.ts';

/** A place where the books do not balance. */
export interface Break {
  readonly check: string;
  /** The row of the check: where it is, and what was found. */
  readonly found: Readonly<Record<string, unknown>>;
}

export interface CheckResult {
  readonly check: string;
  readonly holds: string;
  readonly breaks: number;
  readonly milliseconds: number;
}

export interface Verification {
  readonly ok: boolean;
  readonly checks: readonly CheckResult[];
  readonly breaks: readonly Break[];
  /** Offsets that a person skipped and that were not read since; the books balance all the same. */
  readonly skipped: readonly SkippedRow[];
}

/** The part of the ledger that is checked: sessions that were written to in this time. */
export interface Scope {
  readonly since?: Date | undefined;
  readonly until?: Date | undefined;
}

/**
 * Checks that the books balance, all in one snapshot; reads only. The books themselves are always
 * checked as a whole, the ledger within the scope. Whether as many events are in the ledger as were
 * applied is checked of the ranges that began within a scope without an end; of the whole, otherwise.
 */
export async function verify(
  database: Database,
  { since, until }: Scope = {},
  onCheck: (result: CheckResult) => void = () => {},
): Promise<Verification> {
  const connection = await readingSnapshot(database);
  try {
    // So that the set of all sessions, about 100 bytes each, stays in memory.
    await connection.query(`SET LOCAL work_mem = '64MB'`);
    const checks: CheckResult[] = [];
    const breaks: Break[] = [];
    const inScope = await scopeOf(connection, { since, until });
    for (const check of CHECKS) {
      const { name, holds } = check;
      const begun = performance.now();
      const { rows } = await connection.query<Record<string, unknown>>(inScope(check));
      const milliseconds = Math.round(performance.now() - begun);
      const result = { check: name, holds, breaks: rows.length, milliseconds };
      checks.push(result);
      onCheck(result);
      for (const row of rows) breaks.push({ check: name, found: withoutNulls(row) });
    }
    const skipped = await readSkipped.run(connection, {});
    await connection.query('COMMIT');
    return { ok: breaks.length === 0, checks, breaks, skipped };
  } finally {
    connection.release(true);
  }
}

/** How each check is run: over everything, or over the sessions that were written to in a time. */
async function scopeOf(
  connection: Connection,
  { since, until }: Scope,
): Promise<(check: Check) => { readonly text: string; readonly values: readonly unknown[] }> {
  if (since === undefined && until === undefined) {
    return (check) => ({ text: sqlOf(check, false), values: [] });
  }
  // Once, and not in each check: it reads when every page was written.
  const times = [since ?? null, until ?? null];
  const { rows } = await connection.query<{ session_ids: string[] | null }>(
    SESSIONS_WRITTEN,
    times,
  );
  const sessions = textArray(rows[0]?.session_ids ?? []);
  return (check) => {
    const isWhole = check.scopedSql !== undefined && until !== undefined;
    const text = sqlOf(check, !isWhole);
    const values = [sessions, since].slice(
      0,
      text.includes('$2') ? 2 : text.includes('$1') ? 1 : 0,
    );
    return { text, values };
  };
}

/**
 * The light checks, which a worker runs on its own books.
 *
 * @returns number of breaks, by check
 */
export async function verifyBooks(database: Database): Promise<Map<string, number>> {
  const breaks = new Map<string, number>();
  for (const check of CHECKS) {
    if (!check.isLight) continue;
    const { rows } = await database.query(sqlOf(check, false));
    breaks.set(check.name, rows.length);
  }
  return breaks;
}

/** Without the columns that are null: those have no difference. */
function withoutNulls(row: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(row).filter(([, value]) => value !== null));
}
