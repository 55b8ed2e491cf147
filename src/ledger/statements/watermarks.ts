import { sql } from 'drizzle-orm';
import { statement } from '../../postgres/statement.ts';
import { consumerPosition } from '../schema/tables.ts';

/**
 * Moves the watermarks of partitions that were read to their end, where the position is still the one
 * that was compared with the end.
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
  sql`UPDATE ${consumerPosition} AS position SET applied_until = now_known.until
    FROM unnest(${sql.placeholder('partitions')}::integer[],
        ${sql.placeholder('nextOffsets')}::bigint[], ${sql.placeholder('passes')}::integer[])
        AS at_end (partition, next_offset, pass),
      (SELECT least(now(), 'epoch'::timestamptz
        + ${sql.placeholder('untilMs')}::bigint * interval '1 millisecond') AS until) AS now_known
    WHERE position.group_id = ${sql.placeholder('groupId')}
      AND position.topic = ${sql.placeholder('topic')}
      AND position.partition = at_end.partition
      AND position.next_offset = at_end.next_offset AND position.pass = at_end.pass
      AND position.halted_at IS NULL
      AND (position.applied_until IS NULL OR position.applied_until < now_known.until)`,
);
