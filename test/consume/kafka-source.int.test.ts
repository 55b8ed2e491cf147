import { Partitioners } from 'kafkajs';
import { describe, expect, test } from 'vitest';
import { createLogger } from '../../src/config/logger.ts';
import { loadSettings } from '../../src/config/settings.ts';
import { KafkaSource } from '../../src/consume/kafka-source.ts';
import type { RecordBlock } from '../../src/consume/record-block.ts';
import { createKafka } from '../../src/kafka/client.ts';
import { freshTopic, stackUrls } from '../support/stack.ts';
import { conformance } from './conformance.ts';

const logger = createLogger('fatal');
const kafkaSettings = () =>
  loadSettings(
    {
      KAFKA_BROKERS: stackUrls().kafkaBrokers,
      KAFKA_SESSION_TIMEOUT_MS: '6000',
      LOG_LEVEL: 'fatal',
    },
    ['kafka'],
  );
const kafka = () => createKafka(kafkaSettings(), logger);

/** The memory of a block that is worth sending back. */
async function blockOf(bytes: number): Promise<RecordBlock> {
  const topic = await freshTopic(1);
  const source = new KafkaSource({
    kafka: kafka(),
    settings: kafkaSettings(),
    groupId: `group-${topic}`,
    topics: [topic],
    logger,
  });
  const producer = kafka().producer({ createPartitioner: Partitioners.DefaultPartitioner });
  await producer.connect();
  await producer.send({ topic, messages: [{ value: Buffer.alloc(bytes) }] });
  await producer.disconnect();
  const block = await new Promise<RecordBlock>((resolve) => {
    void source.start({
      assigned: () => {
        source.seek({ topic, partition: 0 }, 0);
        source.resume({ topic, partition: 0 });
      },
      revoked: () => {},
      fetched: ({ records }) => {
        if (records.size > 0) resolve(records);
        return undefined;
      },
    });
  });
  block.release();
  await source.stop();
  return block;
}

test('memory that is released goes back to the thread, unless it is little', async () => {
  const large = await blockOf(100_000);
  expect(large.memory.bytes).toHaveLength(0);
  expect(large.valueAt(0)).toHaveLength(0);
  const small = await blockOf(100);
  expect(small.valueAt(0)).toHaveLength(100);
});

describe('KafkaSource', () => {
  conformance({
    kafka,
    create: (groupId, topic) =>
      new KafkaSource({
        kafka: kafka(),
        settings: kafkaSettings(),
        groupId,
        topics: [topic],
        logger,
      }),
  });
});
