import { sql } from 'drizzle-orm';
import { deadLetter } from '../schema/tables.ts';
import { statement } from '../statement.ts';

/** The coordinates of a dead letter. */
export type LetterKey = { topic: string; partition: number; offset: number };

const here = sql`kafka_topic = ${sql.placeholder('topic')}
  AND kafka_partition = ${sql.placeholder('partition')}
  AND kafka_offset = ${sql.placeholder('offset')}`;

export interface LetterRow {
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
}

/** Holds a dead letter that is still open; no row when it is not. */
export const lockDeadLetter = statement<LetterKey, { kafka_offset: string }>(
  'lock_dead_letter',
  sql`SELECT kafka_offset FROM ${deadLetter} WHERE ${here} AND resolved_at IS NULL FOR UPDATE`,
);

export const resolveDeadLetter = statement<LetterKey & { resolution: string }>(
  'resolve_dead_letter',
  sql`UPDATE ${deadLetter} SET resolved_at = now(), resolution = ${sql.placeholder('resolution')}
    WHERE ${here}`,
);

export const readDeadLetter = statement<LetterKey, LetterRow>(
  'read_dead_letter',
  sql`SELECT * FROM ${deadLetter} WHERE ${here}`,
);

/** Filters that are null let everything pass. */
export type LetterFilter = {
  reason: string | null;
  topic: string | null;
  since: string | null;
  until: string | null;
  includeResolved: boolean;
};

const p = (name: keyof LetterFilter) => sql.placeholder(name);

/** Dead letters in the order of their coordinates, a page behind the last one that was read. */
export const listDeadLetters = statement<
  LetterFilter & { afterTopic: string; afterPartition: number; afterOffset: number; most: number },
  LetterRow
>(
  'list_dead_letters',
  sql`SELECT * FROM ${deadLetter}
    WHERE (kafka_topic, kafka_partition, kafka_offset) >
        (${sql.placeholder('afterTopic')}, ${sql.placeholder('afterPartition')},
          ${sql.placeholder('afterOffset')})
      AND (${p('reason')}::text IS NULL OR reason = ${p('reason')})
      AND (${p('topic')}::text IS NULL OR kafka_topic = ${p('topic')})
      AND (${p('since')}::timestamptz IS NULL OR recorded_at >= ${p('since')})
      AND (${p('until')}::timestamptz IS NULL OR recorded_at < ${p('until')})
      AND (${p('includeResolved')}::boolean OR resolved_at IS NULL)
    ORDER BY kafka_topic, kafka_partition, kafka_offset
    LIMIT ${sql.placeholder('most')}`,
);
