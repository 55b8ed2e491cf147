import type { Kafka } from 'kafkajs';
import { topicBounds, withAdmin } from '../../src/kafka/admin.ts';
import { until } from './until.ts';

/** Deletes a topic and creates it again, empty, with one partition; resolves when it can be read. */
export async function recreateTopic(kafka: Kafka, topic: string): Promise<void> {
  await withAdmin(kafka, async (admin) => {
    await admin.deleteTopics({ topics: [topic] });
    const topics = [{ topic, numPartitions: 1, replicationFactor: 1 }];
    // The broker deletes in its own time; kafkajs gives up on leaders that are not elected at once.
    await until('the topic is created again', () =>
      admin.createTopics({ topics, waitForLeaders: false }).catch(() => false),
    );
    await until('the topic is empty', async () => {
      const bounds = await topicBounds(admin, topic).catch(() => undefined);
      return bounds?.get(0)?.latest === 0;
    });
  });
}
