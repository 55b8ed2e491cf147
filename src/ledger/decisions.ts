import { CheckFailedError } from '../errors.ts';
import { type Connection, type Database, inTransaction } from '../postgres/database.ts';
import { keyOf } from '../records/topic-partition.ts';
import { generationAfter, generationOf } from './generations.ts';
import {
  isRecreated,
  offsets,
  type PartitionView,
  type StoredPosition,
  wasCut,
} from './position.ts';
import { lockStoredPosition } from './positions.ts';
import {
  beginPass,
  beginPosition,
  type Decision,
  noteDecision,
  type PartitionKey,
  skipTo,
} from './statements/positions.ts';
import { readUnread } from './statements/unread.ts';

/**
 * Goes on after offsets that the broker does not have any more: a decision that only a person may
 * take, kept in the books with its note. Where the log itself is another one, all of it is read.
 *
 * @returns what was decided, in words
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
      await noted(connection, where, { ...position, ...range, note, decision: 'lost' });
      await skipTo.run(connection, { ...where, offset: earliest });
      return note;
    }
    throw new CheckFailedError(
      `nothing is lost: the position ${nextOffset} is within the partition, ${earliest} to ${latest}`,
    );
  });
}

/**
 * Sets a position to any offset the broker has, as another pass, with a note in the books. Offsets
 * that nobody has read are skipped only when that is what is wanted, and are in the books as skipped.
 *
 * @returns what was decided, in words
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
    let position = before ?? (await beginAtEarliest(connection, where, view));
    const isOtherLog =
      isRecreated(position, view) || position.nextOffset > view.latest || wasCut(position, view);
    if (isOtherLog) position = await beginOtherLog(connection, where, position, view, note);
    const skipped = await passOver(connection, where, position, offset, note);
    if (skipped > 0 && !skipUnread) {
      throw new CheckFailedError(
        `${keyOf(where)}: of offsets ${position.nextOffset} to ${offset - 1}, ${skipped} were never ` +
          'read; to leave out what they hold, run it again with --skip-unread',
      );
    }
    await beginPassAt(connection, where, position, position.generation, offset, note);
    return skipped === 0 ? note : `${note}; ${skipped} offsets were skipped without being read`;
  });
}

/**
 * Notes that the offsets from the position up to `offset` are passed over.
 *
 * @returns how many of them nobody has read
 */
async function passOver(
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
    await noted(connection, where, range);
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

async function beginAtEarliest(
  connection: Connection,
  where: PartitionKey,
  { earliest, topicId }: PartitionView,
): Promise<StoredPosition> {
  const generation = await generationOf(connection, where.topic, topicId);
  await beginPosition.run(connection, { ...where, offset: earliest, generation });
  const position = await lockStoredPosition(connection, where);
  if (position === undefined) throw new Error('a position vanished while it was being made');
  return position;
}

/** Begins the log that is there now at its beginning, as another generation and pass. */
async function beginOtherLog(
  connection: Connection,
  where: PartitionKey,
  position: StoredPosition,
  { earliest, topicId }: PartitionView,
  note: string,
): Promise<StoredPosition> {
  const generation = isRecreated(position, { topicId })
    ? await generationOf(connection, where.topic, topicId)
    : await generationAfter(connection, where.topic, topicId, position.generation);
  await beginPassAt(connection, where, position, generation, earliest, note);
  return { ...position, nextOffset: earliest, pass: position.pass + 1, generation };
}

async function beginPassAt(
  connection: Connection,
  where: PartitionKey,
  { pass: fromPass }: StoredPosition,
  generation: number,
  offset: number,
  note: string,
): Promise<void> {
  await beginPass.run(connection, { ...where, offset, fromPass, generation });
  const range = { pass: fromPass + 1, generation, firstOffset: offset, nextOffset: offset };
  await noted(connection, where, { ...range, note, decision: null });
}

async function noted(
  connection: Connection,
  where: PartitionKey,
  range: {
    pass: number;
    generation: number;
    firstOffset: number;
    nextOffset: number;
    note: string;
    decision: Decision | null;
  },
): Promise<void> {
  const { pass, generation, firstOffset, nextOffset, note, decision } = range;
  const row = { ...where, pass, generation, firstOffset, nextOffset, note, decision };
  const written = await noteDecision.run(connection, row);
  if (written.length === 0) {
    throw new Error(`the books of ${keyOf(where)} have a range at ${firstOffset} already`);
  }
}
