import type { SchemaRegistry } from '@kafkajs/confluent-schema-registry';
import type { Kafka } from 'kafkajs';
import { withAdmin } from '../../src/kafka/admin.ts';
import { type EventInput, encodeEvent } from '../../src/produce/encoder.ts';
import { EventProducer } from '../../src/produce/event-producer.ts';
import { corrupt } from './malformed.ts';

const PARTITIONS = 4;
/** Every fifth event is sent again, and every fiftieth is followed by a malformed message. */
const AGAIN_EVERY = 5;
const MALFORMED_EVERY = 50;

export interface Produced {
  readonly events: number;
  readonly again: number;
  readonly malformed: number;
}

/** Makes the topic and fills it: the calls, some of their events twice, and malformed messages in between. */
export async function fillTopic(
  kafka: Kafka,
  registry: SchemaRegistry,
  schemaId: number,
  topic: string,
  events: readonly EventInput[],
): Promise<Produced> {
  await withAdmin(kafka, (admin) =>
    admin.createTopics({
      topics: [{ topic, numPartitions: PARTITIONS, replicationFactor: 1 }],
      waitForLeaders: true,
    }),
  );
  const producer = new EventProducer(kafka, topic);
  await producer.connect();
  let again = 0;
  let malformed = 0;
  try {
    for (const [i, event] of events.entries()) {
      const message = await encodeEvent(registry, schemaId, event);
      await producer.add(message);
      if (i % AGAIN_EVERY === 0) {
        await producer.add(message);
        again += 1;
      }
      if (i % MALFORMED_EVERY === 0) {
        await producer.add(corrupt(message, malformed));
        malformed += 1;
      }
    }
    await producer.flush();
  } finally {
    await producer.disconnect();
  }
  return { events: events.length, again, malformed };
}
