import { CompressionTypes, Partitioners } from 'kafkajs';
import { describe, expect, test } from 'vitest';
import { createLogger } from '../../../src/config/logger.ts';
import { loadSettings } from '../../../src/config/settings.ts';
import { createKafka } from '../../../src/kafka/client.ts';
import type { RecordBlock } from '../../../src/records/record-block.ts';
import { KafkaSource } from '../../../src/source/kafka/kafka-source.ts';
import type { SourceListener } from '../../../src/source/partition-source.ts';
import { kafkaTool } from '../../support/kafka-tool.ts';
import { freshTopic, stackUrls } from '../../support/stack.ts';
import { TcpProxy } from '../../support/tcp-proxy.ts';
import { until } from '../../support/until.ts';
import { conformance } from '../conformance.ts';
import { kafkaProducers } from './kafka-producers.ts';

const logger = createLogger('fatal');
const kafkaSettings = (brokers = stackUrls().kafkaBrokers) =>
  loadSettings(
    {
      KAFKA_BROKERS: brokers,
      KAFKA_SESSION_TIMEOUT_MS: '6000',
      LOG_LEVEL: 'fatal',
    },
    ['kafka'],
  );
const kafka = () => createKafka(kafkaSettings(), logger);

const nothing: SourceListener = {
  assigned: () => {},
  revoked: () => {},
  fetched: () => undefined,
  unreadable: () => {},
  missing: () => {},
};

/** What is fetched of messages that are sent one after the other. */
async function fetchedOneByOne(
  values: readonly Buffer[],
  { isReleased = true, compression = CompressionTypes.None } = {},
): Promise<RecordBlock[]> {
  const topic = await freshTopic(1);
  const source = new KafkaSource({
    kafka: kafka(),
    settings: kafkaSettings(),
    groupId: `group-${topic}`,
    topics: [topic],
    logger,
  });
  const blocks: RecordBlock[] = [];
  await source.start({
    ...nothing,
    assigned: () => {
      source.seek({ topic, partition: 0 }, 0);
      source.resume({ topic, partition: 0 });
    },
    fetched: ({ records }) => {
      if (records.size > 0) blocks.push(records);
      return undefined;
    },
  });
  const producer = kafka().producer({ createPartitioner: Partitioners.DefaultPartitioner });
  await producer.connect();
  for (const [i, value] of values.entries()) {
    await producer.send({ topic, messages: [{ value, headers: { is: value } }], compression });
    await until(`message ${i} is fetched`, () => blocks.length > i);
    expect(blocks[i]?.valueAt(0)).toEqual(value);
    if (isReleased) blocks[i]?.release();
  }
  await producer.disconnect();
  await source.stop();
  return blocks;
}

test('memory that is released is written over by a later fetch, and to read its block is an error', async () => {
  const [first] = await fetchedOneByOne([Buffer.alloc(100_000, 1), Buffer.alloc(100_000, 2)]);
  const memory = Buffer.from(first?.packed.shared?.memory ?? new ArrayBuffer(0));
  expect(memory.includes(Buffer.alloc(100_000, 2))).toBe(true);
  expect(() => first?.memory.bytes).toThrow('was read after it had been given back');
  expect(() => first?.valueAt(0)).toThrow('was read after it had been given back');
});

test.each([
  ['as they are', CompressionTypes.None],
  ['compressed', CompressionTypes.GZIP],
])('messages that were sent %s stay as they are while more is fetched', async (_, compression) => {
  const values = [1, 2, 3, 4].map((byte) => Buffer.alloc(100_000, byte));
  const blocks = await fetchedOneByOne(values, { isReleased: false, compression });
  for (const [i, value] of values.entries()) {
    expect(blocks[i]?.valueAt(0)).toEqual(value);
    expect(blocks[i]?.recordAt(0).headers['is']).toEqual(value);
  }
});

test('little memory is not shared: its block keeps it', async () => {
  const [small] = await fetchedOneByOne([Buffer.alloc(100, 1), Buffer.alloc(100, 2)]);
  expect(small?.packed.shared).toBeUndefined();
  expect(small?.valueAt(0)).toEqual(Buffer.alloc(100, 1));
});

test('what other clients compress is read, whatever the codec', async () => {
  const topic = await freshTopic(1);
  const codecs = ['none', 'gzip', 'snappy', 'lz4', 'zstd'];
  const values = (codec: string) => Array.from({ length: 40 }, (_, i) => `${codec} ${i}`);
  for (const codec of codecs) {
    const options = ['--bootstrap-server', stackUrls().kafkaBrokers, '--topic', topic];
    await kafkaTool(
      'org.apache.kafka.tools.ConsoleProducer',
      [...options, '--compression-codec', codec],
      values(codec).join('\n'),
    );
  }
  const seen: string[] = [];
  const source = new KafkaSource({
    kafka: kafka(),
    settings: kafkaSettings(),
    groupId: `group-${topic}`,
    topics: [topic],
    logger,
  });
  await source.start({
    ...nothing,
    assigned: () => {
      source.seek({ topic, partition: 0 }, 0);
      source.resume({ topic, partition: 0 });
    },
    fetched: ({ records }) => {
      for (let i = 0; i < records.size; i += 1) seen.push(String(records.valueAt(i)));
      return undefined;
    },
  });
  await until('all is delivered', () => seen.length >= codecs.length * 40);
  await source.stop();
  expect(seen).toEqual(codecs.flatMap(values));
});

test('a broker that is away in the moment of the start is waited for', async () => {
  const topic = await freshTopic(2);
  const { proxy, brokers } = await proxyToBroker();
  proxy.judge = () => 'cut before';
  const source = new KafkaSource({
    kafka: kafka(),
    settings: kafkaSettings(brokers),
    groupId: `group-${topic}`,
    topics: [topic],
    logger,
  });
  let partitions = 0;
  await source.start({
    ...nothing,
    assigned: (assigned) => {
      partitions = assigned.length;
    },
  });
  expect(partitions).toBe(0);
  proxy.judge = () => 'pass';
  await until('the partitions are assigned', () => partitions === 2);
  await source.stop();
  await proxy.close();
});

async function proxyToBroker(): Promise<{ proxy: TcpProxy; brokers: string }> {
  const [host = '', port] = stackUrls().kafkaBrokers.split(':');
  const proxy = await TcpProxy.to(host, Number(port));
  return { proxy, brokers: `127.0.0.1:${proxy.port}` };
}

describe('KafkaSource', () => {
  conformance({
    ...kafkaProducers(kafka),
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
