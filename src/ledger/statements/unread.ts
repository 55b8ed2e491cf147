import { sql } from 'drizzle-orm';
import { statement } from '../../postgres/statement.ts';
import { consumedRange } from '../schema/tables.ts';

/**
 * The offsets of `wanted` that were never read into this ledger, by any group or replay. A person's
 * decision about a range does not count as reading it.
 */
const unread = sql`unnest(
      int8multirange(int8range(wanted.first_offset, wanted.next_offset)) - coalesce((
        SELECT range_agg(int8range(read.first_offset, read.next_offset))
        FROM ${consumedRange} AS read
        WHERE read.topic = wanted.topic AND read.partition = wanted.partition
          AND read.generation = wanted.generation AND read.decision IS NULL
          AND read.first_offset < wanted.next_offset AND read.next_offset > wanted.first_offset
      ), '{}'::int8multirange)) AS unread (range)`;

export interface UnreadRow {
  first_offset: string;
  next_offset: string;
}

/** The offsets between two that were never read, as ranges. */
export const readUnread = statement<
  {
    topic: string;
    partition: number;
    generation: number;
    firstOffset: number;
    nextOffset: number;
  },
  UnreadRow
>(
  'read_unread',
  sql`SELECT lower(unread.range) AS first_offset, upper(unread.range) AS next_offset
    FROM (SELECT ${sql.placeholder('topic')}::text AS topic,
      ${sql.placeholder('partition')}::integer AS partition,
      ${sql.placeholder('generation')}::integer AS generation,
      ${sql.placeholder('firstOffset')}::bigint AS first_offset,
      ${sql.placeholder('nextOffset')}::bigint AS next_offset) AS wanted
    CROSS JOIN LATERAL ${unread}
    ORDER BY 1`,
);

export interface SkippedRow extends UnreadRow {
  group_id: string;
  topic: string;
  partition: number;
  generation: number;
  recorded_at: Date;
}

/** Offsets that a person skipped and that were not read since. */
export const readSkipped = statement<object, SkippedRow>(
  'read_skipped',
  sql`SELECT wanted.group_id, wanted.topic, wanted.partition, wanted.generation,
      wanted.recorded_at, lower(unread.range) AS first_offset, upper(unread.range) AS next_offset
    FROM ${consumedRange} AS wanted
    CROSS JOIN LATERAL ${unread}
    WHERE wanted.decision = 'skipped'
    ORDER BY wanted.topic, wanted.partition, wanted.generation, 6, wanted.group_id`,
);
