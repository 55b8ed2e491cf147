import { sql } from 'drizzle-orm';
import { statement } from '../../postgres/statement.ts';
import type { EntryJson } from '../payload.ts';
import { deadLetter, eventConflict } from '../schema/tables.ts';

/**
 * Keeps dead letters; one that is there already stays as it is. Postgres multiplies intervals as
 * doubles: with whole days apart, every time is exact to the millisecond.
 */
export const insertDeadLetters = statement<{
  topic: string;
  partition: number;
  generation: number;
  offsets: Buffer;
  reasons: Buffer;
  details: Buffer;
  schemaIds: Buffer;
  keys: Buffer;
  values: Buffer;
  headers: Buffer;
  timestampsMs: Buffer;
  /** Whether they are to be copied to KAFKA_DEAD_LETTER_TOPIC. */
  copyIsDue: boolean;
}>(
  'insert_dead_letters',
  sql`INSERT INTO ${deadLetter} (kafka_topic, kafka_partition, kafka_offset, reason, detail,
      schema_id, key, value, headers, record_timestamp, generation, copy_due_at)
    SELECT ${sql.placeholder('topic')}, ${sql.placeholder('partition')}, kafka_offset, reason,
      detail, schema_id, key, value, headers::jsonb,
      'epoch'::timestamptz + timestamp_ms / 86400000 * interval '24 hours'
        + timestamp_ms % 86400000 * interval '1 millisecond', ${sql.placeholder('generation')},
      CASE WHEN ${sql.placeholder('copyIsDue')}::boolean THEN now() END
    FROM unnest(${sql.placeholder('offsets')}::bigint[], ${sql.placeholder('reasons')}::text[],
      ${sql.placeholder('details')}::text[], ${sql.placeholder('schemaIds')}::bigint[],
      ${sql.placeholder('keys')}::bytea[], ${sql.placeholder('values')}::bytea[],
      ${sql.placeholder('headers')}::text[], ${sql.placeholder('timestampsMs')}::bigint[])
      AS refused (kafka_offset, reason, detail, schema_id, key, value, headers, timestamp_ms)
    ON CONFLICT (kafka_topic, kafka_partition, kafka_offset, generation) DO NOTHING`,
);

/** By which decided payloads are found, among any number of one session: the index `event_conflict_decided`. */
const payloadHash = (payload: ReturnType<typeof sql>) => sql`jsonb_hash_extended(${payload}, 0)`;

/**
 * Keeps conflicts; one that is there already stays as it is. A payload about which a person has
 * decided already, for the same emission, is no new question: it comes with that decision.
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
        AND earlier.resolution IS NOT NULL
      ORDER BY earlier.resolved_at DESC LIMIT 1
    ) AS decided ON true
    ON CONFLICT (session_id, kafka_topic, kafka_partition, kafka_offset, generation) DO NOTHING`,
);

/**
 * The ledger's entries of some identities, in hexadecimal digits, each as the JSON of its row in
 * `ledger_entry`. Each page of a session is unpacked once, however many of its entries are wanted: a
 * join by identity could be made a loop over all entries for each of them.
 */
export const readEntries = statement<
  { sessionIds: Buffer; identities: Buffer },
  { session_id: string; identity: string; entry: EntryJson }
>(
  'read_entries',
  sql`SELECT entry.session_id, encode(entry.identity, 'hex') AS identity,
      to_jsonb(entry) - 'identity' - 'fingerprint' AS entry
    FROM (
      SELECT session_id, jsonb_object_agg(identity, true) AS identities
      FROM unnest(${sql.placeholder('sessionIds')}::text[], ${sql.placeholder('identities')}::text[])
        AS one (session_id, identity)
      GROUP BY session_id
    ) AS wanted
    JOIN ledger_entry AS entry ON entry.session_id = wanted.session_id
    WHERE jsonb_exists(wanted.identities, encode(entry.identity, 'hex'))
      AND NOT entry.is_correction`,
);
