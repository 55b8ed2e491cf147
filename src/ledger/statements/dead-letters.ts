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

/** Holds a dead letter that is still open; no row when it is not. */
export const lockDeadLetter = statement<DeadLetterKey, { kafka_offset: string }>(
  'lock_dead_letter',
  sql`SELECT kafka_offset FROM ${deadLetter} WHERE ${here} AND resolved_at IS NULL FOR UPDATE`,
);

/** Resolves a dead letter that is still open; no row when it is not. */
export const resolveDeadLetter = statement<
  DeadLetterKey & { resolution: string },
  { kafka_offset: string }
>(
  'resolve_dead_letter',
  sql`UPDATE ${deadLetter} SET resolved_at = now(), resolution = ${sql.placeholder('resolution')}
    WHERE ${here} AND resolved_at IS NULL
    RETURNING kafka_offset`,
);

/** With what tells whether coordinates alone name a message of the topic. */
const letters = sql`SELECT *, coalesce((SELECT max(generation) FROM ${topicGeneration}
      WHERE topic = kafka_topic), 0) AS newest_generation
    FROM ${deadLetter}`;

/** The dead letters at an offset: one for each generation of the topic, at most. */
export const readDeadLetters = statement<Omit<DeadLetterKey, 'generation'>, DeadLetterRow>(
  'read_dead_letters',
  sql`${letters} WHERE ${atOffset} ORDER BY generation`,
);

/** Filters that are null let everything pass. */
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

/** Dead letters in the order of their coordinates, a page after the last one that was read. */
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
  sql`${letters}
    WHERE (kafka_topic, kafka_partition, generation, kafka_offset) >
        (${sql.placeholder('afterTopic')}, ${sql.placeholder('afterPartition')},
          ${sql.placeholder('afterGeneration')}, ${sql.placeholder('afterOffset')})
      AND ${passes}
    ORDER BY kafka_topic, kafka_partition, generation, kafka_offset
    LIMIT ${sql.placeholder('most')}`,
);

/** Resolves every open dead letter that the filter lets pass; a row for each. */
export const discardDeadLetters = statement<
  DeadLetterFilter & { resolution: string },
  { kafka_offset: string }
>(
  'discard_dead_letters',
  sql`UPDATE ${deadLetter} SET resolved_at = now(), resolution = ${sql.placeholder('resolution')}
    WHERE ${passes} AND resolved_at IS NULL
    RETURNING kafka_offset`,
);
