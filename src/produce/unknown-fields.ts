import type { AvroSchema } from '../schemas/avro-schema.ts';
import { loadMetricSchema } from '../schemas/load.ts';
import { metricRecordName } from '../schemas/metric-records.ts';
import type { EventInput } from './encoder.ts';

/**
 * The fields of an event's metric that the schema does not have, such as `metric.metadata.region`: of a
 * later version of livekit-agents, or misspelt. They cannot be sent.
 */
export function unknownFields({ metric }: EventInput): string[] {
  const record = metricRecordName(metric.type);
  if (record === undefined) return [];
  const { type: _, ...fields } = metric;
  const names = new Set<string>();
  collect(fields, loadMetricSchema(record), 'metric', names);
  return [...names];
}

function collect(value: unknown, schema: AvroSchema, path: string, names: Set<string>): void {
  if (typeof value !== 'object' || value === null || typeof schema === 'string') return;
  if (Array.isArray(schema)) {
    for (const branch of schema) collect(value, branch, path, names);
    return;
  }
  if (schema.type === 'array' && Array.isArray(value)) {
    for (const item of value) collect(item, schema.items, path, names);
  }
  if (schema.type !== 'record') return;
  const known = new Map(schema.fields.map((field) => [field.name, field.type]));
  for (const [name, inner] of Object.entries(value)) {
    const type = known.get(name);
    if (type === undefined) names.add(`${path}.${name}`);
    else collect(inner, type, `${path}.${name}`, names);
  }
}
