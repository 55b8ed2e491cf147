import { CheckFailedError } from '../errors.ts';
import { type Connection, type Database, inTransaction } from '../postgres/database.ts';
import { keyOf } from '../records/topic-partition.ts';
import { beginOtherLog, beginPassAt, noteRange } from './begin-pass.ts';
import { isRecreated, type PartitionView, type StoredPosition, wasCut } from './position.ts';
import { beginAt, lockStoredPosition } from './positions.ts';
import type { Decision, PartitionKey } from './statements/positions.ts';
import { readUnread } from './statements/unread.ts';

/**
 * Sets a position to any offset the broker has, as another pass, with a note in the books. Offsets that
 * were never read are skipped only with `skipUnread`, and are in the books as skipped.
 *
 * @returns the decision, in words
 * @throws {CheckFailedError} when offsets would be skipped
 */
export async function setPosition(
  database: Database,
  where: PartitionKey,
  view: PartitionView,
  offset: number,
  { skipUnread }: { readonly skipUnread: boolean },
): Promise<string> {
  return inTransaction(database, async (connection) => {
    const before = await lockStoredPosition(connection, where);
    const note =
      before === undefined
        ? `position set to ${offset}`
        : `position set from ${before.nextOffset} to ${offset}`;
    let position = before ?? (await beginAt(connection, where, view.earliest, view.topicId));
    const isOtherLog =
      isRecreated(position, view) || position.nextOffset > view.latest || wasCut(position, view);
    if (isOtherLog) position = await beginOtherLog(connection, where, position, view, note);
    const skipped = await notePassedOver(connection, where, position, offset, note);
    if (skipped > 0 && !skipUnread) {
      throw new CheckFailedError(
        `${keyOf(where)}: of offsets ${position.nextOffset} to ${offset - 1}, ${skipped} were never ` +
          'read; to skip the events in them, run it again with --skip-unread',
      );
    }
    await beginPassAt(connection, where, position, position.generation, offset, note);
    return skipped === 0 ? note : `${note}; ${skipped} offsets were skipped without being read`;
  });
}

/**
 * Notes in the books that the offsets from the position up to `offset` are passed over.
 *
 * @returns how many of them were never read
 */
async function notePassedOver(
  connection: Connection,
  where: PartitionKey,
  { nextOffset, pass, generation }: StoredPosition,
  offset: number,
  note: string,
): Promise<number> {
  if (offset <= nextOffset) return 0;
  const key = { topic: where.topic, partition: where.partition, generation };
  const unread = await readUnread.run(connection, {
    ...key,
    firstOffset: nextOffset,
    nextOffset: offset,
  });
  let at = nextOffset;
  let skipped = 0;
  const mark = async (to: number, decision: Decision | null) => {
    if (to === at) return;
    const range = { pass, generation, firstOffset: at, nextOffset: to, note, decision };
    await noteRange(connection, where, range);
    at = to;
  };
  for (const range of unread) {
    const [first, next] = [Number(range.first_offset), Number(range.next_offset)];
    await mark(first, null);
    await mark(next, 'skipped');
    skipped += next - first;
  }
  await mark(offset, null);
  return skipped;
}
