import type { Admin, Kafka } from 'kafkajs';
import type { PartitionBounds } from '../records/topic-partition.ts';

/** The bounds of every partition of a topic. */
export async function topicBounds(
  admin: Admin,
  topic: string,
): Promise<Map<number, PartitionBounds>> {
  const offsets = await admin.fetchTopicOffsets(topic);
  return new Map(
    offsets.map(({ partition, low, high }) => [
      partition,
      { earliest: Number(low), latest: Number(high) },
    ]),
  );
}

/** Runs `work` with an admin client that is connected meanwhile. */
export async function withAdmin<T>(kafka: Kafka, work: (admin: Admin) => Promise<T>): Promise<T> {
  const admin = kafka.admin();
  await admin.connect();
  try {
    return await work(admin);
  } finally {
    await admin.disconnect();
  }
}
