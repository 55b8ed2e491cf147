import { SHORT, writeAscii } from '../bytes/short-text.ts';
import type { AgentMetrics } from '../livekit/types.ts';
import { BILLED_FIELDS } from '../livekit/usage-of.ts';
import type { AvroField, AvroRecordSchema, AvroSchema } from '../schemas/avro-schema.ts';
import { loadMetricSchema } from '../schemas/load.ts';
import { METRIC_RECORDS, type MetricType } from '../schemas/metric-records.ts';

/**
 * The canonical form of a metric: for each field that does not hold its default, in the order of
 * the names, its name and its value in binary. Two metrics have the same form exactly when they say
 * the same, however the schema has grown in between:
 *
 * - a field that a later schema adds has a default, and a default is left out;
 * - fields are sorted by name and carry it, so that moving one changes nothing;
 * - `speech_id` is left out, since emitters fill it in late; so is a field that is derived from others,
 *   which some emitters send and some do not.
 *
 * It is hashed into the fingerprint and never parsed again. Changing a byte of it makes conflicts
 * of replayed events: a test pins the fingerprints of recorded ones.
 */
const LEFT_OUT: Readonly<Record<string, readonly string[]>> = {
  LLMMetrics: ['speech_id'],
  TTSMetrics: ['speech_id'],
  STTMetrics: ['total_tokens'],
};

export const TAG = { double: 1, long: 2, boolean: 3, string: 4, record: 5, null: 6 } as const;

/** How one field is written; also what a writer that reads no objects goes by. */
export interface FieldPlan {
  readonly name: string;
  /** Length and bytes of the name, ready to be copied. */
  readonly prefix: Buffer;
  readonly tag: number;
  readonly fallback: unknown;
  readonly fields: readonly FieldPlan[];
}

const PLANS = new Map<MetricType, readonly FieldPlan[]>(
  METRIC_RECORDS.filter(({ type }) => type in BILLED_FIELDS).map(({ record, type }) => [
    type,
    planOf(loadMetricSchema(record)),
  ]),
);

/**
 * The fields of a billed metric in the order of the form.
 *
 * @throws for one that is not billed: nothing identifies it
 */
export function canonicalPlan(type: MetricType): readonly FieldPlan[] {
  const plan = PLANS.get(type);
  if (plan === undefined) throw new Error(`no canonical form for ${type}`);
  return plan;
}

function planOf(
  record: AvroRecordSchema,
  records = new Map<string, AvroRecordSchema>(),
): readonly FieldPlan[] {
  return record.fields
    .filter(({ name }) => LEFT_OUT[record.name]?.includes(name) !== true)
    .map((field) => fieldPlan(field, records))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

function fieldPlan(field: AvroField, records: Map<string, AvroRecordSchema>): FieldPlan {
  const { name } = field;
  const type = valueType(field.type);
  const record = typeof type === 'string' ? records.get(type) : asRecord(type, records);
  const tag = record === undefined ? TAG[type as keyof typeof TAG] : TAG.record;
  if (tag === undefined) throw new Error(`${name}: no canonical form for ${JSON.stringify(type)}`);
  const fields = record === undefined ? [] : planOf(record, records);
  const fallback = 'default' in field ? field.default : undefined;
  const bytes = Buffer.from(name, 'utf8');
  const prefix = Buffer.concat([Buffer.from([bytes.length]), bytes]);
  return { name, prefix, tag, fallback, fields };
}

/** `null|T` is read as T: a null that is not the default has a tag of its own. */
function valueType(schema: AvroSchema): AvroSchema {
  if (!Array.isArray(schema)) return schema;
  const [type, ...more] = schema.filter((branch) => branch !== 'null');
  if (type === undefined || more.length > 0) throw new Error('expected a union of null and a type');
  return type;
}

function asRecord(
  schema: AvroSchema,
  records: Map<string, AvroRecordSchema>,
): AvroRecordSchema | undefined {
  if (typeof schema === 'string' || Array.isArray(schema) || schema.type !== 'record') {
    return undefined;
  }
  records.set(`${schema.namespace}.${schema.name}`, schema);
  return schema;
}

/** One buffer for all: a form is hashed before the next one is written. */
let buffer = Buffer.allocUnsafeSlow(16_384);
let view = new DataView(buffer.buffer);
let end = 0;

/**
 * Writes the canonical form of `metric`.
 *
 * @param plan the fields that are written; all of them by default
 * @returns a view that the next call overwrites
 */
export function canonicalForm(
  metric: AgentMetrics,
  plan: readonly FieldPlan[] = canonicalPlan(metric.type),
): Buffer {
  end = 0;
  writeText(metric.type);
  writeFields(metric as unknown as Record<string, unknown>, plan);
  return buffer.subarray(0, end);
}

function writeFields(record: Record<string, unknown>, plan: readonly FieldPlan[]): void {
  for (const field of plan) {
    const value = record[field.name];
    // A metric that is not from a decoder may lack the fields of later versions.
    if (value === field.fallback || value === undefined) continue;
    reserve(field.prefix.length + 16);
    // A loop: for a dozen bytes a call into the runtime costs more than the copy.
    const { prefix } = field;
    for (let i = 0; i < prefix.length; i += 1) buffer[end + i] = prefix[i] as number;
    end += prefix.length;
    writeValue(value, field);
  }
  reserve(1);
  buffer[end++] = 0;
}

function writeValue(value: unknown, field: FieldPlan): void {
  buffer[end++] = value === null ? TAG.null : field.tag;
  if (value === null) return;
  switch (field.tag) {
    case TAG.double:
    case TAG.long:
      // Adding 0 makes one zero of the two.
      view.setFloat64(end, (value as number) + 0, true);
      end += 8;
      break;
    case TAG.boolean:
      buffer[end++] = value === true ? 1 : 0;
      break;
    case TAG.string:
      writeText(value as string);
      break;
    default:
      writeFields(value as Record<string, unknown>, field.fields);
  }
}

function writeText(text: string): void {
  // A UTF-16 unit is three bytes of UTF-8 at most.
  reserve(4 + text.length * 3);
  const written = text.length <= SHORT ? writeAscii(buffer, end + 4, text) : -1;
  const length = written === -1 ? buffer.write(text, end + 4, 'utf8') : written;
  view.setUint32(end, length, true);
  end += 4 + length;
}

function reserve(bytes: number): void {
  if (end + bytes <= buffer.length) return;
  const larger = Buffer.allocUnsafeSlow(Math.max(buffer.length * 2, end + bytes));
  buffer.copy(larger, 0, 0, end);
  buffer = larger;
  view = new DataView(buffer.buffer);
}
