import { createLogger } from '../../src/config/logger.ts';
import { topicBounds, withAdmin } from '../../src/kafka/admin.ts';
import { createKafka } from '../../src/kafka/client.ts';
import { positionsOf } from '../../src/ledger/positions.ts';
import type { PartitionBounds } from '../../src/records/topic-partition.ts';
import { keyOf } from '../../src/records/topic-partition.ts';
import type { World } from './world.ts';

/** Where the partitions of the world's topic end by now. */
export function endsOf({ settings, topic }: World): Promise<Map<number, PartitionBounds>> {
  const kafka = createKafka(settings, createLogger('silent'));
  return withAdmin(kafka, (admin) => topicBounds(admin, topic));
}

/** The partitions that are not booked up to their ends. */
export async function laggingPartitions(
  { settings, database, topic }: World,
  ends: ReadonlyMap<number, PartitionBounds>,
): Promise<number[]> {
  const positions = await positionsOf(database, settings.KAFKA_GROUP_ID, [topic]);
  const isLagging = ([partition, { latest }]: [number, PartitionBounds]) =>
    (positions.get(keyOf({ topic, partition }))?.nextOffset ?? 0) < latest;
  return [...ends].filter(isLagging).map(([partition]) => partition);
}
