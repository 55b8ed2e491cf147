import { type Connection, type Database, inTransaction } from '../postgres/database.ts';
import { keyOf } from '../records/topic-partition.ts';
import { generationAfter, generationOf } from './generations.ts';
import type { Halt } from './halt.ts';
import { type PartitionView, type Position, type StoredPosition, wasCut } from './position.ts';
import { nameGeneration } from './statements/generations.ts';
import { endLimitHalt, noteHalt } from './statements/halts.ts';
import {
  beginPass,
  beginPosition,
  lockPosition,
  type PartitionKey,
  readEarlierEnd,
  readPositions,
  type StoredPositionRow,
} from './statements/positions.ts';

/** The positions of a group in `topics`, by topic and partition. */
export async function positionsOf(
  database: Database,
  groupId: string,
  topics: readonly string[],
): Promise<Map<string, StoredPosition>> {
  return inTransaction(database, (connection) => readAll(connection, groupId, topics));
}

async function readAll(connection: Connection, groupId: string, topics: readonly string[]) {
  const rows = await readPositions.run(connection, { groupId, topics: [...topics] });
  return new Map(rows.map((row) => [keyOf(row), storedPosition(row)]));
}

/** The position of a group in a partition, locked until the end of the transaction. */
export async function lockStoredPosition(
  connection: Connection,
  where: PartitionKey,
): Promise<StoredPosition | undefined> {
  const [row] = await lockPosition.run(connection, where);
  if (row === undefined) return undefined;
  return (await readAll(connection, where.groupId, [where.topic])).get(keyOf(where));
}

/** Gives the group its first position in a partition, or returns the one that it has. */
export async function begin(
  database: Database,
  where: PartitionKey,
  offset: number,
  topicId?: string,
): Promise<StoredPosition> {
  return inTransaction(database, (connection) => beginAt(connection, where, offset, topicId));
}

/**
 * The same for a group that reads a range: how far it comes says nothing of what lies before, so that it
 * has no watermark.
 */
export async function beginReplay(
  database: Database,
  where: PartitionKey,
  offset: number,
  topicId?: string,
): Promise<StoredPosition> {
  return inTransaction(database, (connection) =>
    beginAt(connection, where, offset, topicId, '-infinity'),
  );
}

export async function beginAt(
  connection: Connection,
  where: PartitionKey,
  offset: number,
  topicId: string | undefined,
  appliedUntil: '-infinity' | null = null,
): Promise<StoredPosition> {
  const generation = await generationOf(connection, where.topic, topicId);
  await beginPosition.run(connection, { ...where, offset, generation, appliedUntil });
  const position = await lockStoredPosition(connection, where);
  if (position === undefined) throw new Error('a position vanished while it was begun');
  return position;
}

/**
 * Begins another pass at `offset`.
 *
 * @returns `undefined` when another worker has begun one since `from` was read
 */
export async function rewind(
  database: Database,
  where: PartitionKey,
  offset: number,
  from: StoredPosition,
  view: PartitionView,
): Promise<StoredPosition | undefined> {
  return inTransaction(database, async (connection) => {
    const { generation, pass: fromPass, nextOffset } = from;
    // Offsets from the end of the log to the position will be given to other messages.
    const now =
      nextOffset > view.latest || wasCut(from, view)
        ? await generationAfter(connection, where.topic, view.topicId, generation)
        : generation;
    const begun = await beginPass.run(connection, { ...where, offset, fromPass, generation: now });
    return begun.length === 0 ? undefined : lockStoredPosition(connection, where);
  });
}

/** Fills in a topic's id that was unknown when the position was begun. */
export async function nameTopic(
  database: Database,
  topic: string,
  { generation }: StoredPosition,
  topicId: string,
): Promise<void> {
  await inTransaction(database, (connection) =>
    nameGeneration.run(connection, { topic, generation, topicId }),
  );
}

/** Stores a halt with its position; `false` when the position has moved since. */
export async function keepHalt(
  database: Database,
  where: PartitionKey & Position,
  { kind, cause }: Halt,
): Promise<boolean> {
  const parameters = { ...where, kind, why: cause };
  const noted = await inTransaction(database, (connection) => noteHalt.run(connection, parameters));
  return noted.length > 0;
}

/** Ends a halt by DEAD_LETTER_LIMIT; dead letters before `judgedFrom` no longer count towards it. */
export async function resume(
  database: Database,
  where: PartitionKey,
  judgedFrom: number,
): Promise<boolean> {
  const parameters = { ...where, judgedFrom };
  const ended = await inTransaction(database, (connection) =>
    endLimitHalt.run(connection, parameters),
  );
  return ended.length > 0;
}

/** How far earlier passes of a group read a generation of a partition; 0: not at all. */
export async function seenBefore(
  database: Database,
  where: PartitionKey,
  { pass, generation }: Pick<StoredPosition, 'pass' | 'generation'>,
): Promise<number> {
  const [row] = await inTransaction(database, (connection) =>
    readEarlierEnd.run(connection, { ...where, pass, generation }),
  );
  return Number(row?.next_offset ?? 0);
}

function storedPosition(row: StoredPositionRow): StoredPosition {
  const { halt_kind: kind, halt_why: why, halted_ms: haltedMs } = row;
  const isHalted = kind === 'lost_offsets' || kind === 'dead_letter_limit';
  return {
    nextOffset: Number(row.next_offset),
    pass: row.pass,
    generation: row.generation,
    topicId: row.topic_id ?? undefined,
    halt: isHalted ? { kind, cause: why ?? '', ageMs: Number(haltedMs ?? 0) } : undefined,
    judgedFrom: Number(row.judged_from),
  };
}
