import type { Connection } from '../postgres/database.ts';
import { keyOf } from '../records/topic-partition.ts';
import { generationAfter, generationOf } from './generations.ts';
import { isRecreated, type PartitionView, type StoredPosition } from './position.ts';
import {
  beginPass,
  type Decision,
  noteDecision,
  type PartitionKey,
} from './statements/positions.ts';

/** Begins the log that the broker has now, at its first offset, as another generation and pass. */
export async function beginOtherLog(
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

/** Begins a pass at an offset, and notes why in the books. */
export async function beginPassAt(
  connection: Connection,
  where: PartitionKey,
  { pass: fromPass }: StoredPosition,
  generation: number,
  offset: number,
  note: string,
): Promise<void> {
  await beginPass.run(connection, { ...where, offset, fromPass, generation });
  const range = { pass: fromPass + 1, generation, firstOffset: offset, nextOffset: offset };
  await noteRange(connection, where, { ...range, note, decision: null });
}

/** Notes a range of offsets in the books of which no batch was consumed. */
export async function noteRange(
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
    throw new Error(`the books of ${keyOf(where)} already have a range at ${firstOffset}`);
  }
}
