import avro from 'avsc';
import { type Decoded, decode } from '../../../src/decode/avro/decode.ts';
import { SchemaCache } from '../../../src/decode/avro/schema-cache.ts';
import type { AgentMetrics } from '../../../src/livekit/types.ts';
import type { ConsumedRecord } from '../../../src/records/consumed-record.ts';
import type { AvroRecordSchema, AvroSchema } from '../../../src/schemas/avro-schema.ts';
import { loadEnvelopeSchema } from '../../../src/schemas/load.ts';
import { metricRecordName, NAMESPACE } from '../../../src/schemas/metric-records.ts';

/** Bytes as writers of any schema put them on a topic, without a registry. */

export const SCHEMA_ID = 7;

export function framed(payload: Uint8Array, schemaId = SCHEMA_ID): Buffer {
  const header = Buffer.alloc(5);
  header.writeUInt32BE(schemaId, 1);
  return Buffer.concat([header, payload]);
}

export function recordWith(
  value: Buffer | null,
  fields: Partial<ConsumedRecord> = {},
): ConsumedRecord {
  return { offset: 0, timestamp: 1_760_000_000_000, key: null, headers: {}, ...fields, value };
}

/** A cache that knows one writer schema. */
export async function schemasOf(writerSchema: unknown): Promise<SchemaCache> {
  const schemas = new SchemaCache(async () => ({ found: true, schema: writerSchema }));
  await schemas.load([SCHEMA_ID]);
  return schemas;
}

/** What becomes of `payload`, written with `writerSchema`. */
export async function decoded(
  writerSchema: unknown,
  payload: Uint8Array,
  fields: Partial<ConsumedRecord> = {},
): Promise<Decoded> {
  return decode(recordWith(framed(payload), fields), await schemasOf(writerSchema));
}

/** The payload of `value`, written with `writerSchema` by avsc itself. */
export function written(writerSchema: unknown, value: unknown): Buffer {
  return avro.Type.forSchema(writerSchema as avro.Schema).toBuffer(value);
}

/** The value of an envelope as avsc takes it. */
export function envelope({ type, ...fields }: AgentMetrics, others: object = {}): object {
  const metric = { [`${NAMESPACE}.${metricRecordName(type)}`]: fields };
  return { session_id: 'call', account_id: null, attributes: {}, metric, ...others };
}

/** The schema of an envelope as another version of the producer may have it. */
export function otherEnvelope(change: (schema: AvroRecordSchema) => void): AvroRecordSchema {
  const schema = loadEnvelopeSchema();
  change(schema);
  return schema;
}

/** The record of a name, wherever in the schema it is defined. */
export function definitionOf(schema: AvroSchema, name: string): AvroRecordSchema {
  const found = find(schema, name);
  if (found === undefined) throw new Error(`no record ${name}`);
  return found;
}

function find(schema: AvroSchema, name: string): AvroRecordSchema | undefined {
  if (typeof schema === 'string') return undefined;
  if (Array.isArray(schema)) return first(schema, name);
  if (schema.type === 'map') return find(schema.values, name);
  if (schema.type !== 'record') return undefined;
  if (schema.name === name) return schema;
  return first(
    schema.fields.map(({ type }) => type),
    name,
  );
}

function first(schemas: readonly AvroSchema[], name: string): AvroRecordSchema | undefined {
  for (const schema of schemas) {
    const found = find(schema, name);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The branches of the union `metric`, to be changed in place. */
export function branchesOf(schema: AvroRecordSchema): AvroSchema[] {
  const field = schema.fields.find(({ name }) => name === 'metric');
  if (!Array.isArray(field?.type)) throw new Error('metric is no union');
  return field.type;
}

/** A long (or int) in Avro binary: zigzag, seven bits a byte. Takes what avsc refuses to write. */
export function long(value: bigint | number): Buffer {
  const n = BigInt(value);
  let rest = n >= 0n ? n * 2n : -n * 2n - 1n;
  const bytes: number[] = [];
  do {
    const low = Number(rest & 0x7fn);
    rest >>= 7n;
    bytes.push(rest === 0n ? low : low | 0x80);
  } while (rest > 0n);
  return Buffer.from(bytes);
}

export function double(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(value);
  return bytes;
}

/** A string in Avro binary; bytes as they stand, be they UTF-8 or not. */
export function string(value: string | Uint8Array): Buffer {
  const bytes = Buffer.from(value as Uint8Array);
  return Buffer.concat([long(bytes.length), bytes]);
}
