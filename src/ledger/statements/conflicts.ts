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
  /** The payloads as text: JavaScript would round some of their numbers. */
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

/** With the newest generation: offsets of an older one do not name messages of today's topic. */
const conflicts = sql`SELECT *, applied_payload::text AS applied_text,
      conflicting_payload::text AS conflicting_text, coalesce((SELECT max(generation) FROM ${topicGeneration}
      WHERE topic = kafka_topic), 0) AS newest_generation
    FROM ${eventConflict}`;

/** With it, the index `event_conflict_decided` finds a payload among any number of one session. */
const payloadHash = (payload: ReturnType<typeof sql>) => sql`jsonb_hash_extended(${payload}, 0)`;

/**
 * Keeps conflicts; one that is kept already stays as it is. A payload that a person has decided about
 * before, for the same emission, is kept with that decision; one that was billed as well has an entry of
 * its own, and is a duplicate.
 */
export const insertConflicts = statement<{
  topic: string;
  partition: number;
  generation: number;
  sessionIds: Buffer;
  offsets: Buffer;
  metricTypes: Buffer;
  requestIds: Buffer;
  appliedPayloads: Buffer;
  conflictingPayloads: Buffer;
}>(
  'insert_conflicts',
  sql`INSERT INTO ${eventConflict} (session_id, kafka_topic, kafka_partition, kafka_offset,
      metric_type, request_id, applied_payload, conflicting_payload, resolved_at, resolution,
      generation)
    SELECT disputed.session_id, ${sql.placeholder('topic')}, ${sql.placeholder('partition')},
      disputed.kafka_offset, disputed.metric_type, disputed.request_id,
      disputed.applied_payload::jsonb, disputed.conflicting_payload::jsonb,
      decided.resolved_at, decided.resolution, ${sql.placeholder('generation')}
    FROM unnest(${sql.placeholder('sessionIds')}::text[], ${sql.placeholder('offsets')}::bigint[],
      ${sql.placeholder('metricTypes')}::text[], ${sql.placeholder('requestIds')}::text[],
      ${sql.placeholder('appliedPayloads')}::text[],
      ${sql.placeholder('conflictingPayloads')}::text[])
      AS disputed (session_id, kafka_offset, metric_type, request_id, applied_payload,
        conflicting_payload)
    LEFT JOIN LATERAL (
      SELECT resolved_at, resolution FROM ${eventConflict} AS earlier
      WHERE earlier.session_id = disputed.session_id
        AND earlier.metric_type = disputed.metric_type
        AND earlier.request_id IS NOT DISTINCT FROM disputed.request_id
        AND earlier.conflicting_payload = disputed.conflicting_payload::jsonb
        AND ${payloadHash(sql`earlier.conflicting_payload`)}
          = ${payloadHash(sql`disputed.conflicting_payload::jsonb`)}
        AND earlier.resolution IS NOT NULL AND earlier.resolution <> 'billed_both'
      ORDER BY earlier.resolved_at DESC LIMIT 1
    ) AS decided ON true
    ON CONFLICT (session_id, kafka_topic, kafka_partition, kafka_offset, generation) DO NOTHING`,
);

/** The conflicts at an offset: usually one for each generation of the topic. */
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

/** Locks a conflict until the end of the transaction. */
export const lockConflict = statement<ConflictKey, StoredConflict>(
  'lock_conflict',
  sql`SELECT * FROM ${eventConflict} WHERE ${here} FOR UPDATE`,
);

export const resolveConflict = statement<ConflictKey & { resolution: string }>(
  'resolve_conflict',
  sql`UPDATE ${eventConflict} SET resolved_at = now(), resolution = ${sql.placeholder('resolution')}
    WHERE ${here}`,
);

export const isInLedger = statement<
  { sessionId: string; identity: Buffer; fingerprint: Buffer },
  { found: boolean }
>(
  'is_in_ledger',
  sql`SELECT EXISTS (
      SELECT FROM ledger_entry
      WHERE session_id = ${sql.placeholder('sessionId')}
        AND identity = ${sql.placeholder('identity')}
        AND fingerprint = ${sql.placeholder('fingerprint')}
    ) AS found`,
);

/** What is billed for one identity, corrections included, by the names that it is billed under. */
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
