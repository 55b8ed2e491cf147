import { CompressionCodecs, CompressionTypes, Kafka, type KafkaMessage, logLevel } from 'kafkajs';
import { CODECS } from '../../src/source/kafka/codecs/codecs.ts';
import { MAX_DECOMPRESSED_BYTES } from '../../src/source/kafka/record-batch.ts';
import { until } from './until.ts';

// Of itself kafkajs has gzip alone. The emitters compress with lz4.
const lz4 = CODECS.get(CompressionTypes.LZ4);
CompressionCodecs[CompressionTypes.LZ4] = () => ({
  decompress: async (bytes: Buffer) => await lz4?.decompress(bytes, MAX_DECOMPRESSED_BYTES),
});

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
