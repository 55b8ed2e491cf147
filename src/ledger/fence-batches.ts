import { int4Array, textArray } from '../postgres/arrays.ts';
import type { Queryable } from '../postgres/statement.ts';
import type { Batch } from '../records/message.ts';
import { keyOf } from '../records/topic-partition.ts';
import type { ApplyResult } from './apply-result.ts';
import type { BatchSessions } from './session-batch.ts';
import {
  type FenceRow,
  fenceBatches as lockFreePositions,
  fenceBatch as lockPositions,
  type UsedNames,
} from './statements/fence.ts';
import type { PositionRow } from './statements/positions.ts';

/** A batch whose position is where it should be, locked until the end of the transaction. */
export interface FencedBatch extends BatchSessions<Batch> {
  readonly row: PositionRow & FenceRow;
}

/**
 * Locks the positions of some batches until the end of the transaction, and sorts the batches by where
 * the group stands.
 *
 * @param names that the batches use, to be compared with the database
 * @param waits whether a position is waited for that another transaction holds; else its batch is left out
 */
export async function fenceBatches(
  connection: Queryable,
  wanted: readonly BatchSessions<Batch>[],
  names: UsedNames,
  waits: boolean,
) {
  const rows = await (waits ? lockPositions : lockFreePositions).run(connection, {
    groupId: wanted[0]?.batch.groupId ?? '',
    topics: textArray(wanted.map(({ batch }) => batch.topic)),
    partitions: int4Array(wanted.map(({ batch }) => batch.partition)),
    ...names,
  });
  const rowOf = new Map(rows.map((row) => [keyOf(row), row]));
  const parts: FencedBatch[] = [];
  const moved: [Batch, ApplyResult][] = [];
  for (const { batch, sessions } of wanted) {
    const row = rowOf.get(keyOf(batch));
    if (row === undefined && !waits) continue;
    const position = row && { nextOffset: Number(row.next_offset), pass: row.pass };
    const isMoved = position?.nextOffset !== batch.fromOffset || position.pass !== batch.pass;
    if (row === undefined || isMoved) moved.push([batch, { status: 'moved', position }]);
    else parts.push({ batch, sessions, row });
  }
  return { parts, moved };
}
