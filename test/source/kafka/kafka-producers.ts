import { CompressionTypes, type Kafka, Partitioners, type Producer } from 'kafkajs';
import { freshTopic } from '../../support/stack.ts';
import type { SourceWorld } from '../conformance.ts';

/** Topics of the test stack, and producers that send to them. */
export function kafkaProducers(kafka: () => Kafka): Omit<SourceWorld, 'create'> {
  async function connected(options: Parameters<Kafka['producer']>[0] = {}): Promise<Producer> {
    const createPartitioner = Partitioners.DefaultPartitioner;
    const producer = kafka().producer({ createPartitioner, ...options });
    await producer.connect();
    return producer;
  }
  return {
    freshTopic,
    async send(topic, messages, codec) {
      const compression = codec === 'gzip' ? CompressionTypes.GZIP : CompressionTypes.None;
      const producer = await connected();
      await producer.send({ topic, messages: [...messages], compression });
      await producer.disconnect();
    },
    async begin(topic, name) {
      const producer = await connected({
        transactionalId: `${name}-${topic}`,
        idempotent: true,
        maxInFlightRequests: 1,
      });
      const transaction = await producer.transaction();
      return {
        async send(messages) {
          await transaction.send({ topic, messages: [...messages] });
        },
        async end(how) {
          await transaction[how]();
          await producer.disconnect();
        },
      };
    },
  };
}
