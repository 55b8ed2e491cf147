import { type Connection, type Database, readingSnapshot } from '../postgres/database.ts';
import type { Difference } from './difference.ts';
import { type Reason, reasonsOf, type SessionFacts } from './reasons.ts';

export interface ExplainedDifference extends Difference {
  readonly reasons: readonly Reason[];
}

export interface Coverage {
  /** Sessions whose agent reported its usage. */
  readonly compared: number;
  /** Sessions with usage, and without a report: there is nothing to compare it with. */
  readonly withoutReport: number;
}

export interface Reconciliation {
  readonly coverage: Coverage;
  /** By session, in the order of the ledger's keys. Ends the snapshot, and must be read to its end. */
  readonly differences: AsyncIterable<ExplainedDifference>;
}

const PAGE = 10_000;

/**
 * Compares what is billed with what the agents counted themselves, in one snapshot; reads only.
 *
 * @param sessionId only this session
 */
export async function reconcile(database: Database, sessionId?: string): Promise<Reconciliation> {
  const connection = await readingSnapshot(database);
  try {
    const coverage = await coverageOf(connection, sessionId);
    await connection.query(
      `DECLARE differing CURSOR FOR
        SELECT session_id, usage_type, provider, model, dimension, reported::text, recorded::text,
          difference::text
        FROM usage_reconciliation
        WHERE difference <> 0 AND ($1::text IS NULL OR session_id = $1)
        ORDER BY session_id, usage_type, provider, model, dimension`,
      [sessionId ?? null],
    );
    return { coverage, differences: explained(connection) };
  } catch (error) {
    connection.release(true);
    throw error;
  }
}

async function coverageOf(connection: Connection, sessionId?: string): Promise<Coverage> {
  const { rows } = await connection.query<{ compared: string; without_report: string }>(
    `SELECT
      (SELECT count(*) FROM session_report WHERE $1::text IS NULL OR session_id = $1) AS compared,
      (SELECT count(DISTINCT session_id) FROM session_model_usage AS usage
        WHERE ($1::text IS NULL OR session_id = $1)
          AND NOT EXISTS (SELECT FROM session_report WHERE session_id = usage.session_id))
        AS without_report`,
    [sessionId ?? null],
  );
  return {
    compared: Number(rows[0]?.compared),
    withoutReport: Number(rows[0]?.without_report),
  };
}

async function* explained(connection: Connection): AsyncGenerator<ExplainedDifference> {
  try {
    const maySee = await maySeeDiverted(connection);
    for await (const sessions of pagesOfSessions(connection)) {
      const facts = maySee ? await factsOf(connection, [...sessions.keys()]) : new Map();
      for (const [sessionId, differences] of sessions) {
        const reasons = reasonsOf(differences, facts.get(sessionId) ?? {});
        for (const [i, difference] of differences.entries()) {
          yield { ...difference, reasons: reasons[i] ?? [] };
        }
      }
    }
    await connection.query('COMMIT');
  } finally {
    connection.release(true);
  }
}

/** Whole sessions: the last one of a page is completed by the next page. */
async function* pagesOfSessions(
  connection: Connection,
): AsyncGenerator<ReadonlyMap<string, readonly Difference[]>> {
  let sessions = new Map<string, Difference[]>();
  let last: string | undefined;
  for (;;) {
    const { rows } = await connection.query<Difference>(`FETCH ${PAGE} FROM differing`);
    for (const row of rows) {
      last = row.session_id;
      const known = sessions.get(last);
      if (known === undefined) sessions.set(last, [row]);
      else known.push(row);
    }
    if (rows.length < PAGE) break;
    const incomplete = sessions.get(last as string) ?? [];
    sessions.delete(last as string);
    yield sessions;
    sessions = new Map([[last as string, incomplete]]);
  }
  if (sessions.size > 0) yield sessions;
}

/** The reader role may not: payloads are in these tables. */
async function maySeeDiverted(connection: Connection): Promise<boolean> {
  const { rows } = await connection.query<{ may: boolean }>(
    `SELECT has_table_privilege('dead_letter', 'SELECT')
      AND has_table_privilege('event_conflict', 'SELECT') AS may`,
  );
  return rows[0]?.may === true;
}

/** What the ledger has of the sessions that was not billed. */
async function factsOf(
  connection: Connection,
  sessionIds: readonly string[],
): Promise<Map<string, SessionFacts>> {
  const { rows } = await connection.query<SessionFacts & { session_id: string }>(
    `SELECT session_id,
      EXISTS (SELECT FROM event_conflict AS other WHERE other.session_id = wanted.session_id)
        AS "hasConflicts",
      diverted.key IS NOT NULL AS "hasDeadLetters"
    FROM unnest($1::text[]) AS wanted (session_id)
    LEFT JOIN (
      SELECT DISTINCT key FROM dead_letter
      WHERE resolved_at IS NULL OR resolution LIKE 'discarded%'
    ) AS diverted ON diverted.key = convert_to(wanted.session_id, 'UTF8')`,
    [sessionIds],
  );
  return new Map(rows.map(({ session_id, ...facts }) => [session_id, facts]));
}
