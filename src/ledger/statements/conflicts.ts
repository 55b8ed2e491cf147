import { sql } from 'drizzle-orm';
import { USAGE_COLUMNS, type UsageColumn } from '../../livekit/usage-columns.ts';
import { statement } from '../../postgres/statement.ts';
import { eventConflict, topicGeneration } from '../schema/tables.ts';

/** The message that conflicts, and its session. */
export type ConflictKey = {
  sessionId: string;
  topic: string;
  partition: number;
  offset: number;
  generation: number;
};

export interface ConflictRow {
  session_id: string;
  metric_type: string;
  request_id: string | null;
  applied_payload: Record<string, unknown>;
  conflicting_payload: Record<string, unknown>;
  /** The payloads with their numbers as they are, which JavaScript may not have. */
  applied_text: string;
  conflicting_text: string;
  kafka_topic: string;
  kafka_partition: number;
  kafka_offset: string;
  recorded_at: Date;
  resolved_at: Date | null;
  resolution: string | null;
  generation: number;
  /** The newest generation of the topic that the ledger knows. */
  newest_generation: number;
}

/** As the table has it. */
export type StoredConflict = Omit<
  ConflictRow,
  'newest_generation' | 'applied_text' | 'conflicting_text'
>;

const atOffset = sql`kafka_topic = ${sql.placeholder('topic')}
  AND kafka_partition = ${sql.placeholder('partition')}
  AND kafka_offset = ${sql.placeholder('offset')}`;
const here = sql`session_id = ${sql.placeholder('sessionId')} AND ${atOffset}
  AND generation = ${sql.placeholder('generation')}`;

/** With what tells whether coordinates alone name a message of the topic. */
const conflicts = sql`SELECT *, applied_payload::text AS applied_text,
      conflicting_payload::text AS conflicting_text, coalesce((SELECT max(generation) FROM ${topicGeneration}
      WHERE topic = kafka_topic), 0) AS newest_generation
    FROM ${eventConflict}`;

/** The conflicts at an offset: one for each generation of the topic, as a rule. */
export const readConflicts = statement<
  Pick<ConflictKey, 'topic' | 'partition' | 'offset'>,
  ConflictRow
>('read_conflicts', sql`${conflicts} WHERE ${atOffset} ORDER BY generation, session_id`);

export const listConflicts = statement<
  { sessionId: string | null; includeResolved: boolean },
  ConflictRow
>(
  'list_conflicts',
  sql`${conflicts}
    WHERE (${sql.placeholder('sessionId')}::text IS NULL
        OR session_id = ${sql.placeholder('sessionId')})
      AND (${sql.placeholder('includeResolved')}::boolean OR resolved_at IS NULL)
    ORDER BY kafka_topic, kafka_partition, generation, kafka_offset`,
);

/** Holds a conflict until the end of the transaction. */
export const lockConflict = statement<ConflictKey, StoredConflict>(
  'lock_conflict',
  sql`SELECT * FROM ${eventConflict} WHERE ${here} FOR UPDATE`,
);

export const resolveConflict = statement<ConflictKey & { resolution: string }>(
  'resolve_conflict',
  sql`UPDATE ${eventConflict} SET resolved_at = now(), resolution = ${sql.placeholder('resolution')}
    WHERE ${here}`,
);

/** What is billed for one identity by now, corrections included, for each name it is billed to. */
export const netUsage = statement<
  { sessionId: string; identity: Buffer },
  { metric_type: string; provider: string; model: string } & Record<UsageColumn, string>
>(
  'net_usage',
  sql`SELECT metric_type, provider, model,
      ${sql.join(
        USAGE_COLUMNS.map((name) => sql`sum(${sql.raw(name)})::text AS ${sql.raw(name)}`),
        sql`, `,
      )}
    FROM ledger_entry
    WHERE session_id = ${sql.placeholder('sessionId')}
      AND identity = ${sql.placeholder('identity')}
    GROUP BY metric_type, provider, model`,
);
