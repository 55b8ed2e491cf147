import type { Database } from '../../src/postgres/database.ts';
import type { ExpectedRow, RecordedCalls } from './recorded-calls.ts';

/** The summary holds sums of doubles in the original: they are compared within this. */
const SUMMARY_TOLERANCE = 1e-6;

export interface Comparison {
  readonly rows: number;
  /** A sentence for each value or row that is not as expected. */
  readonly differences: readonly string[];
}

/** Compares what is billed with what the Python implementation answered, digit for digit. */
export async function compareWithPython(
  database: Database,
  { modelUsage, usageSummary }: RecordedCalls,
): Promise<Comparison> {
  const billed = await database.query<Record<string, unknown>>('SELECT * FROM session_model_usage');
  const summary = await database.query<Record<string, unknown>>(
    'SELECT * FROM session_usage_summary',
  );
  const key = ['session_id', 'usage_type', 'provider', 'model'];
  const equal = (a: unknown, b: unknown) => String(a) === String(b);
  const close = (a: unknown, b: unknown) =>
    equal(a, b) || Math.abs(Number(a) - Number(b)) <= SUMMARY_TOLERANCE;
  return {
    rows: modelUsage.length + usageSummary.length,
    differences: [
      ...differences('session_model_usage', key, modelUsage, billed.rows, equal),
      ...differences('session_usage_summary', ['session_id'], usageSummary, summary.rows, close),
    ],
  };
}

function differences(
  relation: string,
  key: readonly string[],
  expected: readonly ExpectedRow[],
  found: readonly Record<string, unknown>[],
  equal: (a: unknown, b: unknown) => boolean,
): string[] {
  const keyOf = (row: Record<string, unknown>) => JSON.stringify(key.map((name) => row[name]));
  const rows = new Map(found.map((row) => [keyOf(row), row]));
  const problems: string[] = [];
  for (const row of expected) {
    const other = rows.get(keyOf(row));
    rows.delete(keyOf(row));
    if (other === undefined) problems.push(`${relation} ${keyOf(row)}: no such row`);
    else {
      for (const [name, value] of Object.entries(row)) {
        if (equal(value, other[name])) continue;
        problems.push(`${relation} ${keyOf(row)}: ${name} is ${other[name]}, expected ${value}`);
      }
    }
  }
  for (const extra of rows.keys()) problems.push(`${relation} ${extra}: a row too many`);
  return problems;
}
