import { type Database, inTransaction } from '../postgres/database.ts';
import { keyOf, type TopicPartition } from '../records/topic-partition.ts';
import type { StoredPosition } from './position.ts';
import { readGenerations } from './statements/generations.ts';

/** The positions that a replay of the ranges would begin with: in the newest generation, not stored. */
export async function previewPositions(
  database: Database,
  ranges: readonly (TopicPartition & { readonly from: number })[],
): Promise<Map<string, StoredPosition>> {
  return inTransaction(database, async (connection) => {
    const positions = new Map<string, StoredPosition>();
    for (const { topic, partition, from } of ranges) {
      const [newest] = await readGenerations.run(connection, { topic });
      positions.set(keyOf({ topic, partition }), {
        nextOffset: from,
        pass: 0,
        generation: newest?.generation ?? 0,
        topicId: undefined,
        halt: undefined,
        judgedFrom: 0,
      });
    }
    return positions;
  });
}
