import { readSkipped, type SkippedRow } from '../ledger/statements/unread.ts';
import { type Database, readingSnapshot } from '../postgres/database.ts';
import { CHECKS, sqlOf } from './checks.ts';

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
 * checked as a whole, the ledger within the scope.
 */
export async function verify(
  database: Database,
  { since, until }: Scope = {},
  onCheck: (result: CheckResult) => void = () => {},
): Promise<Verification> {
  const isScoped = since !== undefined || until !== undefined;
  const connection = await readingSnapshot(database);
  try {
    // So that the set of all sessions, about 100 bytes each, stays in memory.
    await connection.query(`SET LOCAL work_mem = '64MB'`);
    const checks: CheckResult[] = [];
    const breaks: Break[] = [];
    for (const check of CHECKS) {
      const { name, holds } = check;
      const sql = sqlOf(check, isScoped);
      const values = sql.includes('$1') ? [since ?? null, until ?? null] : [];
      const begun = performance.now();
      const { rows } = await connection.query<Record<string, unknown>>(sql, values);
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
