import { sql } from 'drizzle-orm';
import { statement } from '../../postgres/statement.ts';
import { consumerPosition } from '../schema/tables.ts';

export const readNow = statement<Record<never, never>, { now_ms: string }>(
  'read_now',
  sql`SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now_ms`,
);

/**
 * Moves the watermarks of partitions that were read to their end, where the position is still the one
 * that was compared with the end. A position that is held is left out: its batch is under way.
 */
export const advanceWatermarks = statement<{
  groupId: string;
  topic: string;
  partitions: Buffer;
  nextOffsets: Buffer;
  passes: Buffer;
  /** Milliseconds since 1970. */
  untilMs: number;
}>(
  'advance_watermarks',
  sql`WITH idle AS (
      SELECT position.ctid AS place
      FROM ${consumerPosition} AS position
      JOIN unnest(${sql.placeholder('partitions')}::integer[],
        ${sql.placeholder('nextOffsets')}::bigint[], ${sql.placeholder('passes')}::integer[])
        AS at_end (partition, next_offset, pass)
        ON position.partition = at_end.partition
        AND position.next_offset = at_end.next_offset AND position.pass = at_end.pass
      WHERE position.group_id = ${sql.placeholder('groupId')}
        AND position.topic = ${sql.placeholder('topic')} AND position.halted_at IS NULL
      FOR NO KEY UPDATE OF position SKIP LOCKED
    ), moved AS (
      SELECT least(now(), 'epoch'::timestamptz
        + ${sql.placeholder('untilMs')}::bigint * interval '1 millisecond') AS until
    )
    UPDATE ${consumerPosition} AS position SET applied_until = moved.until
    FROM idle, moved
    WHERE position.ctid = idle.place
      AND (position.applied_until IS NULL OR position.applied_until < moved.until)`,
);
