import type { SchemaRegistry } from '@kafkajs/confluent-schema-registry';
import { expect, test } from 'vitest';
import { SchemaCache } from '../../src/decode/avro/schema-cache.ts';
import { loadLatest } from '../../src/registry/schema-registry.ts';
import { loadEnvelopeSchema } from '../../src/schemas/load.ts';

const registryWith = (latest: (subject: string) => Promise<number>) =>
  ({ getLatestSchemaId: latest }) as unknown as SchemaRegistry;

test('the latest schema of a topic is loaded before the first message', async () => {
  const schemas = new SchemaCache(async () => ({ found: true, schema: loadEnvelopeSchema() }));
  const subjects: string[] = [];
  const registry = registryWith(async (subject) => {
    subjects.push(subject);
    return 7;
  });
  await loadLatest(registry, 'calls', schemas);
  expect(subjects).toEqual(['calls-value']);
  expect(schemas.known([7])).toBeDefined();
});

test('without a latest schema, no schema is loaded', async () => {
  const schemas = new SchemaCache(() => Promise.reject(new Error('asked')));
  const registry = registryWith(() => Promise.reject(new Error('no such subject')));
  await expect(loadLatest(registry, 'calls', schemas)).rejects.toThrow('no such subject');
});
