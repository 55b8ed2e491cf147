import { sql } from 'drizzle-orm';
import { statement } from '../../postgres/statement.ts';
import { deadLetter, topicGeneration } from '../schema/tables.ts';

/** The coordinates of a dead letter. */
export type DeadLetterKey = {
  topic: string;
  partition: number;
  offset: number;
  generation: number;
};

const atOffset = sql`kafka_topic = ${sql.placeholder('topic')}
  AND kafka_partition = ${sql.placeholder('partition')}
  AND kafka_offset = ${sql.placeholder('offset')}`;
const here = sql`${atOffset} AND generation = ${sql.placeholder('generation')}`;

export interface DeadLetterRow {
  kafka_topic: string;
  kafka_partition: number;
  kafka_offset: string;
  reason: string;
  detail: string;
  schema_id: string | null;
  key: Buffer | null;
  value: Buffer | null;
  headers: Record<string, unknown>;
  record_timestamp: Date;
  recorded_at: Date;
  resolved_at: Date | null;
  resolution: string | null;
  copy_due_at: Date | null;
  copied_at: Date | null;
  copy_error: string | null;
  generation: number;
  /** The newest generation of the topic that the ledger knows. */
  newest_generation: number;
}

/** Days apart from the rest: Postgres multiplies an interval as a double, exact up to the year 2255. */
const timeOf = (ms: ReturnType<typeof sql>) => sql`'epoch'::timestamptz
        + ${ms} / 86400000 * interval '1 day' + ${ms} % 86400000 * interval '1 millisecond'`;

/** Keeps dead letters; one that is kept already stays as it is. */
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
  /** Whether a copy on KAFKA_DEAD_LETTER_TOPIC is due. */
  copyIsDue: boolean;
}>(
  'insert_dead_letters',
  sql`INSERT INTO ${deadLetter} (kafka_topic, kafka_partition, kafka_offset, reason, detail,
      schema_id, key, value, headers, record_timestamp, generation, copy_due_at)
    SELECT ${sql.placeholder('topic')}, ${sql.placeholder('partition')}, kafka_offset, reason,
      detail, schema_id, key, value, headers::jsonb,
      ${timeOf(sql`timestamp_ms`)}, ${sql.placeholder('generation')},
      CASE WHEN ${sql.placeholder('copyIsDue')}::boolean THEN now() END
    FROM unnest(${sql.placeholder('offsets')}::bigint[], ${sql.placeholder('reasons')}::text[],
      ${sql.placeholder('details')}::text[], ${sql.placeholder('schemaIds')}::bigint[],
      ${sql.placeholder('keys')}::bytea[], ${sql.placeholder('values')}::bytea[],
      ${sql.placeholder('headers')}::text[], ${sql.placeholder('timestampsMs')}::bigint[])
      AS wanted (kafka_offset, reason, detail, schema_id, key, value, headers, timestamp_ms)
    ON CONFLICT (kafka_topic, kafka_partition, kafka_offset, generation) DO NOTHING`,
);

/** Locks an open dead letter until the end of the transaction; no row when it is not open. */
export const lockDeadLetter = statement<DeadLetterKey, { kafka_offset: string }>(
  'lock_dead_letter',
  sql`SELECT kafka_offset FROM ${deadLetter} WHERE ${here} AND resolved_at IS NULL FOR UPDATE`,
);

/** Resolves an open dead letter; no row when it is not open. */
export const resolveDeadLetter = statement<
  DeadLetterKey & { resolution: string },
  { kafka_offset: string }
>(
  'resolve_dead_letter',
  sql`UPDATE ${deadLetter} SET resolved_at = now(), resolution = ${sql.placeholder('resolution')}
    WHERE ${here} AND resolved_at IS NULL
    RETURNING kafka_offset`,
);

/** With the newest generation: offsets of an older one do not name messages of today's topic. */
const deadLetters = sql`SELECT *, coalesce((SELECT max(generation) FROM ${topicGeneration}
      WHERE topic = kafka_topic), 0) AS newest_generation
    FROM ${deadLetter}`;

/** The dead letters at an offset: one for each generation of the topic, at most. */
export const readDeadLetters = statement<Omit<DeadLetterKey, 'generation'>, DeadLetterRow>(
  'read_dead_letters',
  sql`${deadLetters} WHERE ${atOffset} ORDER BY generation`,
);

/** A filter that is null passes everything. */
export type DeadLetterFilter = {
  reason: string | null;
  topic: string | null;
  partition: number | null;
  since: string | null;
  until: string | null;
  includeResolved: boolean;
};

const p = (name: keyof DeadLetterFilter) => sql.placeholder(name);

const passes = sql`(${p('reason')}::text IS NULL OR reason = ${p('reason')})
      AND (${p('topic')}::text IS NULL OR kafka_topic = ${p('topic')})
      AND (${p('partition')}::integer IS NULL OR kafka_partition = ${p('partition')})
      AND (${p('since')}::timestamptz IS NULL OR recorded_at >= ${p('since')})
      AND (${p('until')}::timestamptz IS NULL OR recorded_at < ${p('until')})
      AND (${p('includeResolved')}::boolean OR resolved_at IS NULL)`;

/** A page of dead letters in the order of their coordinates, after the last one that was read. */
export const listDeadLetters = statement<
  DeadLetterFilter & {
    afterTopic: string;
    afterPartition: number;
    afterGeneration: number;
    afterOffset: number;
    most: number;
  },
  DeadLetterRow
>(
  'list_dead_letters',
  sql`${deadLetters}
    WHERE (kafka_topic, kafka_partition, generation, kafka_offset) >
        (${sql.placeholder('afterTopic')}, ${sql.placeholder('afterPartition')},
          ${sql.placeholder('afterGeneration')}, ${sql.placeholder('afterOffset')})
      AND ${passes}
    ORDER BY kafka_topic, kafka_partition, generation, kafka_offset
    LIMIT ${sql.placeholder('most')}`,
);

/** Resolves every open dead letter that passes the filter; a row for each. */
export const discardDeadLetters = statement<
  DeadLetterFilter & { resolution: string },
  { kafka_offset: string }
>(
  'discard_dead_letters',
  sql`UPDATE ${deadLetter} SET resolved_at = now(), resolution = ${sql.placeholder('resolution')}
    WHERE ${passes} AND resolved_at IS NULL
    RETURNING kafka_offset`,
);
