import { sql } from 'drizzle-orm';
import { statement } from '../../postgres/statement.ts';
import { uncompactedSession } from '../schema/tables.ts';

const isDue = sql`written_at <= now() - ${sql.placeholder('quietS')}::bigint * interval '1 second'`;

/** Sessions that may have been quiet for so long, the longest first. */
export const dueSessions = statement<{ quietS: number; most: number }, { session_id: string }>(
  'due_sessions',
  sql`SELECT session_id FROM ${uncompactedSession} WHERE ${isDue}
    ORDER BY written_at LIMIT ${sql.placeholder('most')}::integer`,
);

export const countDue = statement<{ quietS: number }, { sessions: string }>(
  'count_due',
  sql`SELECT count(*) AS sessions FROM ${uncompactedSession} WHERE ${isDue}`,
);

export interface CompactedRow {
  id: string;
  state: 'merged' | 'minimal' | 'live' | 'locked' | 'gone';
  /** Pages that were replaced, and those that replaced them. */
  pages_before: number;
  pages_after: number;
}

/**
 * Merges the pages of the first of these sessions: until the budget is used up, of one session at
 * least. The rest has no row in the answer. What it does is in the migration that creates the function.
 */
export const compactSessions = statement<
  { sessionIds: Buffer; quietS: number; budgetMs: number },
  CompactedRow
>(
  'compact_sessions',
  sql`SELECT id, state, pages_before, pages_after
    FROM compact_sessions(${sql.placeholder('sessionIds')}::text[],
      ${sql.placeholder('quietS')}::bigint * interval '1 second',
      ${sql.placeholder('budgetMs')}::bigint * interval '1 millisecond')`,
);
