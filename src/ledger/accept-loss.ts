import { CheckFailedError } from '../errors.ts';
import { type Database, inTransaction } from '../postgres/database.ts';
import { keyOf } from '../records/topic-partition.ts';
import { beginOtherLog, noteRange } from './begin-pass.ts';
import { isRecreated, offsets, type PartitionView, wasCut } from './position.ts';
import { lockStoredPosition } from './positions.ts';
import { type PartitionKey, skipTo } from './statements/positions.ts';

/**
 * Resumes after offsets that the broker has deleted: a decision that only a person may take, kept in
 * the books with its note. Where the topic was recreated or its log was cut, all that it has is read.
 *
 * @returns the decision, in words
 * @throws {CheckFailedError} when nothing is lost
 */
export async function acceptLoss(
  database: Database,
  where: PartitionKey,
  view: PartitionView,
): Promise<string> {
  return inTransaction(database, async (connection) => {
    const position = await lockStoredPosition(connection, where);
    if (position === undefined) {
      throw new CheckFailedError(`group ${where.groupId} has no position in ${keyOf(where)}`);
    }
    const { nextOffset } = position;
    const { earliest, latest } = view;
    const recreated = isRecreated(position, view);
    if (recreated || nextOffset > latest || wasCut(position, view)) {
      const what = recreated
        ? `the topic was recreated at position ${nextOffset}`
        : `the partition ended before the position ${nextOffset}`;
      const note = `loss accepted: ${what}; the broker has ${offsets(view)}`;
      await beginOtherLog(connection, where, position, view, note);
      return `${note}; reading it from ${earliest}`;
    }
    if (nextOffset < earliest) {
      const note = `loss of offsets ${nextOffset} to ${earliest - 1} accepted`;
      const range = { firstOffset: nextOffset, nextOffset: earliest };
      await noteRange(connection, where, { ...position, ...range, note, decision: 'lost' });
      await skipTo.run(connection, { ...where, offset: earliest });
      return note;
    }
    throw new CheckFailedError(
      `nothing is lost: the position ${nextOffset} is within the partition, ${earliest} to ${latest}`,
    );
  });
}
