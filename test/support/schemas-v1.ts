import { readFileSync } from 'node:fs';
import type { AvroRecordSchema, AvroSchema } from '../../src/schemas/avro-schema.ts';

/**
 * A record as it was before livekit-agents 1.8, self-contained: what today's schema must stay compatible
 * with.
 */
export function schemaV1(recordName = 'AgentMetricsEvent'): AvroRecordSchema {
  const defined = new Set<string>();
  const inline = (schema: AvroSchema): AvroSchema => {
    if (Array.isArray(schema)) return schema.map(inline);
    if (typeof schema !== 'string' || !schema.startsWith('usage_ledger.')) return schema;
    return defined.has(schema) ? schema : record(schema.slice('usage_ledger.'.length));
  };
  const record = (name: string): AvroRecordSchema => {
    defined.add(`usage_ledger.${name}`);
    const file = new URL(`../fixtures/schemas-v1/${name}.avsc`, import.meta.url);
    const read = JSON.parse(readFileSync(file, 'utf8')) as AvroRecordSchema;
    return {
      ...read,
      fields: read.fields.map((field) => ({ ...field, type: inline(field.type) })),
    };
  };
  return record(recordName);
}
