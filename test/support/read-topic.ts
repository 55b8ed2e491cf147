import { Kafka, type KafkaMessage, logLevel } from 'kafkajs';
import { until } from './until.ts';

/** The messages of a topic from its beginning, of which there must be at least `count`. */
export async function readTopic(
  brokers: readonly string[],
  topic: string,
  count: number,
): Promise<KafkaMessage[]> {
  const kafka = new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING });
  const consumer = kafka.consumer({ groupId: `reads-${topic}` });
  const seen: KafkaMessage[] = [];
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  await consumer.run({
    eachMessage: async ({ message }) => {
      seen.push(message);
    },
  });
  await until(`${count} messages of ${topic} are read`, () => seen.length >= count);
  await consumer.disconnect();
  return seen;
}
