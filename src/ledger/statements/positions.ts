import { sql } from 'drizzle-orm';
import { statement } from '../../postgres/statement.ts';
import { consumedRange, consumerPosition, topicGeneration } from '../schema/tables.ts';

export interface PartitionKey {
  groupId: string;
  topic: string;
  partition: number;
}

export interface PositionRow {
  next_offset: string;
  pass: number;
  pass_first_offset: string;
  range_first_offset: string;
  generation: number;
}

const here = sql`group_id = ${sql.placeholder('groupId')} AND topic = ${sql.placeholder('topic')}
  AND partition = ${sql.placeholder('partition')}`;

/** Reads a position, and locks it until the end of the transaction. */
export const lockPosition = statement<PartitionKey, PositionRow>(
  'lock_position',
  sql`SELECT next_offset, pass, pass_first_offset, range_first_offset, generation
    FROM ${consumerPosition} WHERE ${here} FOR UPDATE`,
);

/** Arrays of one element for each partition. */
export interface BooksParameters {
  groupId: string;
  topics: Buffer;
  partitions: Buffer;
  passes: Buffer;
  generations: Buffer;
  rangeFirstOffsets: Buffer;
  nextOffsets: Buffer;
  consumed: Buffer;
  applied: Buffer;
  duplicate: Buffer;
  ignored: Buffer;
  conflict: Buffer;
  deadLetter: Buffer;
  /** Milliseconds since 1970; null: the batch says nothing of the watermark. */
  appliedUntilMs: Buffer;
}

const p = (name: keyof BooksParameters) => sql.placeholder(name);

/**
 * For each partition: extends the newest range of the books, or begins one, and moves the position to its
 * end. The watermark moves with it, and never back or into the future.
 */
export const keepBooks = statement<BooksParameters>(
  'keep_books',
  sql`WITH booked AS (
      SELECT * FROM unnest(${p('topics')}::text[], ${p('partitions')}::integer[],
        ${p('passes')}::integer[], ${p('generations')}::integer[],
        ${p('rangeFirstOffsets')}::bigint[], ${p('nextOffsets')}::bigint[],
        ${p('consumed')}::bigint[], ${p('applied')}::bigint[], ${p('duplicate')}::bigint[],
        ${p('ignored')}::bigint[], ${p('conflict')}::bigint[], ${p('deadLetter')}::bigint[],
        ${p('appliedUntilMs')}::bigint[])
        AS booked (topic, partition, pass, generation, first_offset, next_offset, consumed, applied,
          duplicate, ignored, conflict, dead_letter, applied_until_ms)
    ), position AS (
      UPDATE ${consumerPosition} AS position
      SET next_offset = booked.next_offset, range_first_offset = booked.first_offset,
        updated_at = now(),
        applied_until = CASE WHEN booked.applied_until_ms IS NULL THEN position.applied_until
          ELSE greatest(position.applied_until, least(now(),
            'epoch'::timestamptz + booked.applied_until_ms * interval '1 millisecond')) END
      FROM booked
      WHERE position.group_id = ${p('groupId')} AND position.topic = booked.topic
        AND position.partition = booked.partition
    )
    INSERT INTO ${consumedRange} AS range (group_id, topic, partition, pass, first_offset, next_offset,
      consumed, applied, duplicate, ignored, conflict, dead_letter, generation)
    SELECT ${p('groupId')}, topic, partition, pass, first_offset, next_offset, consumed, applied,
      duplicate, ignored, conflict, dead_letter, generation
    FROM booked
    ON CONFLICT (group_id, topic, partition, pass, first_offset) DO UPDATE SET
      next_offset = excluded.next_offset,
      consumed = range.consumed + excluded.consumed,
      applied = range.applied + excluded.applied,
      duplicate = range.duplicate + excluded.duplicate,
      ignored = range.ignored + excluded.ignored,
      conflict = range.conflict + excluded.conflict,
      dead_letter = range.dead_letter + excluded.dead_letter,
      recorded_at = now()`,
);

/** Gives a group its first position in a partition, unless it has one. */
export const beginPosition = statement<
  PartitionKey & { offset: number; generation: number; appliedUntil: '-infinity' | null }
>(
  'begin_position',
  sql`INSERT INTO ${consumerPosition}
      (group_id, topic, partition, next_offset, pass_first_offset, range_first_offset, generation,
        applied_until)
    VALUES (${sql.placeholder('groupId')}, ${sql.placeholder('topic')},
      ${sql.placeholder('partition')}, ${sql.placeholder('offset')}, ${sql.placeholder('offset')},
      ${sql.placeholder('offset')}, ${sql.placeholder('generation')},
      ${sql.placeholder('appliedUntil')}::timestamptz)
    ON CONFLICT DO NOTHING`,
);

/** Begins another pass at an offset; the books of earlier passes stay as they are. */
export const beginPass = statement<
  PartitionKey & { offset: number; fromPass: number; generation: number },
  PositionRow
>(
  'begin_pass',
  sql`UPDATE ${consumerPosition}
    SET next_offset = ${sql.placeholder('offset')}, pass = pass + 1,
      pass_first_offset = ${sql.placeholder('offset')},
      range_first_offset = ${sql.placeholder('offset')},
      generation = ${sql.placeholder('generation')},
      judged_from = CASE generation WHEN ${sql.placeholder('generation')} THEN judged_from ELSE 0 END,
      halted_at = NULL, halt_kind = NULL, halt_why = NULL, updated_at = now()
    WHERE ${here} AND pass = ${sql.placeholder('fromPass')}
    RETURNING next_offset, pass, pass_first_offset, range_first_offset, generation`,
);

/** The end of what earlier passes of a group read of a generation; null: nothing. */
export const readEarlierEnd = statement<
  PartitionKey & { pass: number; generation: number },
  { next_offset: string | null }
>(
  'read_earlier_end',
  sql`SELECT max(next_offset) AS next_offset FROM ${consumedRange}
    WHERE ${here} AND pass < ${sql.placeholder('pass')}
      AND generation = ${sql.placeholder('generation')} AND consumed > 0`,
);

export type Decision = 'lost' | 'skipped';

/**
 * Notes a person's decision in the books, as a range in which nothing was consumed. An empty range at
 * the same offset, which is an earlier decision, is replaced; its note is kept.
 */
export const noteDecision = statement<
  PartitionKey & {
    pass: number;
    generation: number;
    firstOffset: number;
    nextOffset: number;
    note: string;
    decision: Decision | null;
  },
  { pass: number }
>(
  'note_decision',
  sql`INSERT INTO ${consumedRange} AS range (group_id, topic, partition, pass, first_offset,
      next_offset, consumed, applied, duplicate, ignored, conflict, dead_letter, note, generation,
      decision)
    VALUES (${sql.placeholder('groupId')}, ${sql.placeholder('topic')},
      ${sql.placeholder('partition')}, ${sql.placeholder('pass')}, ${sql.placeholder('firstOffset')},
      ${sql.placeholder('nextOffset')}, 0, 0, 0, 0, 0, 0, ${sql.placeholder('note')},
      ${sql.placeholder('generation')}, ${sql.placeholder('decision')})
    ON CONFLICT (group_id, topic, partition, pass, first_offset) DO UPDATE SET
      next_offset = excluded.next_offset,
      note = concat_ws('; ', range.note, excluded.note),
      decision = excluded.decision,
      recorded_at = now()
    WHERE range.next_offset = range.first_offset
    RETURNING pass`,
);

/** Moves a position forward within its pass, over offsets that are not read. */
export const skipTo = statement<PartitionKey & { offset: number }>(
  'skip_to',
  sql`UPDATE ${consumerPosition}
    SET next_offset = ${sql.placeholder('offset')},
      range_first_offset = ${sql.placeholder('offset')},
      halted_at = NULL, halt_kind = NULL, halt_why = NULL, updated_at = now()
    WHERE ${here}`,
);

/** A position with the id of its topic, and its halt. */
export interface StoredPositionRow extends PositionRow {
  topic: string;
  partition: number;
  topic_id: string | null;
  halt_kind: string | null;
  halt_why: string | null;
  /** For how long it has been halted, by the clock of the database. */
  halted_ms: string | null;
  judged_from: string;
}

/** All positions of a group in some topics. */
export const readPositions = statement<{ groupId: string; topics: string[] }, StoredPositionRow>(
  'read_positions',
  sql`SELECT topic, partition, next_offset, pass, pass_first_offset, range_first_offset, generation,
      topic_id, halt_kind, halt_why, judged_from,
      (extract(epoch FROM now() - halted_at) * 1000)::bigint AS halted_ms
    FROM ${consumerPosition} LEFT JOIN ${topicGeneration} USING (topic, generation)
    WHERE group_id = ${sql.placeholder('groupId')}
      AND topic = ANY (${sql.placeholder('topics')}::text[])
    ORDER BY topic, partition`,
);
