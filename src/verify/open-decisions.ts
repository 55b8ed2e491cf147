import type { Database } from '../postgres/database.ts';

/** A worker counts no further: whoever sees so many knows enough. */
const MOST_COUNTED = 100_000;

const COUNT_OPEN = `SELECT
  (SELECT count(*) FROM (SELECT FROM event_conflict WHERE resolved_at IS NULL LIMIT ${MOST_COUNTED})
    AS open)::int AS conflicts,
  (SELECT count(*) FROM (SELECT FROM dead_letter WHERE resolved_at IS NULL LIMIT ${MOST_COUNTED})
    AS open)::int AS dead_letters`;

/** How many conflicts and dead letters await a decision. */
export async function countOpen(
  database: Database,
): Promise<{ conflicts: number; deadLetters: number }> {
  const { rows } = await database.query<{ conflicts: number; dead_letters: number }>(COUNT_OPEN);
  const { conflicts = 0, dead_letters: deadLetters = 0 } = rows[0] ?? {};
  return { conflicts, deadLetters };
}
