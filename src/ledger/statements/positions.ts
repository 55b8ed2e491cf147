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

export interface BooksParameters extends PartitionKey {
  pass: number;
  rangeFirstOffset: number;
  nextOffset: number;
  consumed: number;
  applied: number;
  duplicate: number;
  ignored: number;
  conflict: number;
  deadLetter: number;
  note: string | null;
  generation: number;
}

const p = (name: keyof BooksParameters) => sql.placeholder(name);

/** Extends the newest range of the books, or begins one, and moves the position to its end. */
export const keepBooks = statement<BooksParameters>(
  'keep_books',
  sql`WITH position AS (
      UPDATE ${consumerPosition}
      SET next_offset = ${p('nextOffset')}, range_first_offset = ${p('rangeFirstOffset')},
        updated_at = now()
      WHERE ${here}
    )
    INSERT INTO ${consumedRange} AS range (group_id, topic, partition, pass, first_offset, next_offset,
      consumed, applied, duplicate, ignored, conflict, dead_letter, note, generation)
    VALUES (${p('groupId')}, ${p('topic')}, ${p('partition')}, ${p('pass')},
      ${p('rangeFirstOffset')}, ${p('nextOffset')}, ${p('consumed')}, ${p('applied')},
      ${p('duplicate')}, ${p('ignored')}, ${p('conflict')}, ${p('deadLetter')}, ${p('note')},
      ${p('generation')})
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
export const beginPosition = statement<PartitionKey & { offset: number; generation: number }>(
  'begin_position',
  sql`INSERT INTO ${consumerPosition}
      (group_id, topic, partition, next_offset, pass_first_offset, range_first_offset, generation)
    VALUES (${sql.placeholder('groupId')}, ${sql.placeholder('topic')},
      ${sql.placeholder('partition')}, ${sql.placeholder('offset')}, ${sql.placeholder('offset')},
      ${sql.placeholder('offset')}, ${sql.placeholder('generation')})
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
  halted_ms: number | null;
  judged_from: string;
}

/** All positions of a group in some topics. */
export const readPositions = statement<{ groupId: string; topics: string[] }, StoredPositionRow>(
  'read_positions',
  sql`SELECT topic, partition, next_offset, pass, pass_first_offset, range_first_offset, generation,
      topic_id, halt_kind, halt_why, judged_from,
      (extract(epoch FROM now() - halted_at) * 1000)::float8 AS halted_ms
    FROM ${consumerPosition} LEFT JOIN ${topicGeneration} USING (topic, generation)
    WHERE group_id = ${sql.placeholder('groupId')}
      AND topic = ANY (${sql.placeholder('topics')}::text[])
    ORDER BY topic, partition`,
);
