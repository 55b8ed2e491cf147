import { sql } from 'drizzle-orm';
import { statement } from '../../postgres/statement.ts';
import { consumerPosition } from '../schema/tables.ts';
import type { PartitionKey } from './positions.ts';

const here = sql`group_id = ${sql.placeholder('groupId')} AND topic = ${sql.placeholder('topic')}
  AND partition = ${sql.placeholder('partition')}`;

/** Stores a halt at a position; no row when the position has moved since. */
export const noteHalt = statement<
  PartitionKey & { nextOffset: number; pass: number; kind: string; why: string },
  { pass: number }
>(
  'note_halt',
  sql`UPDATE ${consumerPosition}
    SET halted_at = now(), halt_kind = ${sql.placeholder('kind')},
      halt_why = ${sql.placeholder('why')}
    WHERE ${here} AND next_offset = ${sql.placeholder('nextOffset')}
      AND pass = ${sql.placeholder('pass')}
    RETURNING pass`,
);

/**
 * Ends a halt by DEAD_LETTER_LIMIT, towards which dead letters count from `judgedFrom` on; no row when
 * there is no such halt.
 */
export const endLimitHalt = statement<
  PartitionKey & { judgedFrom: number },
  { next_offset: string }
>(
  'end_limit_halt',
  sql`UPDATE ${consumerPosition}
    SET halted_at = NULL, halt_kind = NULL, halt_why = NULL,
      judged_from = ${sql.placeholder('judgedFrom')}
    WHERE ${here} AND halt_kind = 'dead_letter_limit'
    RETURNING next_offset`,
);
