import type { Database } from '../ledger/database.ts';
import { CHECKS } from './checks.ts';

/** A place where the books do not close. */
export interface Break {
  readonly check: string;
  /** The row that says where, and what was found. */
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
}

/** Checks that the books close, all in one snapshot; reads only. */
export async function verify(
  database: Database,
  onCheck: (result: CheckResult) => void = () => {},
): Promise<Verification> {
  const connection = await database.connect();
  try {
    await connection.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
    const checks: CheckResult[] = [];
    const breaks: Break[] = [];
    for (const { name, holds, sql } of CHECKS) {
      const begun = performance.now();
      const { rows } = await connection.query<Record<string, unknown>>(sql);
      const milliseconds = Math.round(performance.now() - begun);
      const result = { check: name, holds, breaks: rows.length, milliseconds };
      checks.push(result);
      onCheck(result);
      for (const row of rows) breaks.push({ check: name, found: withoutNulls(row) });
    }
    await connection.query('COMMIT');
    return { ok: breaks.length === 0, checks, breaks };
  } finally {
    connection.release(true);
  }
}

/** Columns of a break that are null say nothing: no difference, or no such row. */
function withoutNulls(row: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(row).filter(([, value]) => value !== null));
}
