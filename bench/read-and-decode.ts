import { createLogger } from '../src/config/logger.ts';
import { decode, schemaIdsOf } from '../src/decode/avro/decode.ts';
import { SchemaCache } from '../src/decode/avro/schema-cache.ts';
import { createKafka } from '../src/kafka/client.ts';
import { schemaFetcher } from '../src/registry/schema-fetcher.ts';
import type { BenchServices } from './services.ts';

/** kafkajs reading the topic and our decoding, and nothing else; seconds it took. */
export async function runReadAndDecode(
  services: BenchServices,
  topic: string,
  events: number,
): Promise<number> {
  const settings = services.settings();
  const kafka = createKafka(settings, createLogger('fatal'));
  const schemas = new SchemaCache(schemaFetcher(settings));
  const consumer = kafka.consumer({ groupId: `reads-${Date.now()}` });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  let done = 0;
  let begun = 0;
  const seconds = await new Promise<number>((resolve, reject) => {
    consumer
      .run({
        autoCommit: false,
        partitionsConsumedConcurrently: 4,
        eachBatch: async ({ batch }) => {
          if (begun === 0) begun = performance.now();
          const records = batch.messages.map((message) => ({
            offset: Number(message.offset),
            timestamp: Number(message.timestamp),
            key: message.key,
            value: message.value,
            headers: {},
          }));
          await schemas.load(schemaIdsOf(records));
          for (const record of records) decode(record, schemas);
          done += records.length;
          if (done >= events) resolve((performance.now() - begun) / 1_000);
        },
      })
      .catch(reject);
  });
  await consumer.disconnect();
  return seconds;
}
