import type { StoredPosition } from '../ledger/position.ts';
import { positionsOf } from '../ledger/positions.ts';
import { keyOf, type PartitionBounds, type TopicPartition } from '../records/topic-partition.ts';
import type { CommittedOffset, PartitionSource } from '../source/partition-source.ts';
import type { WorkerContext } from './worker-context.ts';

/** What Postgres and the brokers say of a partition. */
export interface FoundPartition {
  readonly position: StoredPosition | undefined;
  readonly committed: CommittedOffset | undefined;
  readonly view: PartitionBounds & { readonly topicId: string | undefined };
}

/**
 * Looks up where the partitions of some topics stand.
 *
 * @returns a function from a partition to what was found; it throws when the broker does not know it
 */
export async function lookUpPositions(
  {
    database,
    groupId,
    source,
    previewFrom,
  }: Pick<WorkerContext, 'database' | 'groupId' | 'source' | 'previewFrom'>,
  topics: readonly string[],
): Promise<(where: TopicPartition) => FoundPartition> {
  const positions = previewFrom ?? (await positionsOf(database, groupId, topics));
  const broker = new Map(
    await Promise.all(
      topics.map(async (topic) => [topic, await lookUpTopic(source, topic)] as const),
    ),
  );
  return (where) => {
    const key = keyOf(where);
    const found = broker.get(where.topic);
    const bounds = found?.bounds.get(where.partition);
    if (bounds === undefined) throw new Error(`the broker does not know ${key}`);
    return {
      position: positions.get(key),
      committed: found?.committed.get(where.partition),
      view: { ...bounds, topicId: found?.topicId },
    };
  };
}

async function lookUpTopic(source: PartitionSource, topic: string) {
  const offsets = async () => {
    // In this order: a copy that is committed meanwhile is never past the end.
    const committed = await source.committed(topic);
    return { committed, bounds: await source.bounds(topic) };
  };
  const [found, topicId] = await Promise.all([offsets(), source.topicId(topic)]);
  return { ...found, topicId };
}
