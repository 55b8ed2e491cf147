import { readFileSync } from 'node:fs';
import type { AvroRecordSchema, AvroSchema } from './avro-schema.ts';
import { type MetricRecordName, NAMESPACE } from './metric-records.ts';

// schemas/ lies at the package root: two up from src/schemas and from dist/schemas alike.
const SCHEMA_DIRECTORY = new URL('../../schemas/', import.meta.url);

/**
 * Reads schemas/<name>.avsc, in which other records are references by name.
 * Throws when the file is missing or not JSON.
 */
export function readRecordFile(name: string): AvroRecordSchema {
  const known = FILES.get(name);
  if (known !== undefined) return known;
  const record = JSON.parse(
    readFileSync(new URL(`${name}.avsc`, SCHEMA_DIRECTORY), 'utf8'),
  ) as AvroRecordSchema;
  FILES.set(name, record);
  return record;
}

const FILES = new Map<string, AvroRecordSchema>();

/**
 * The schema of a message value, `usage_ledger.AgentMetricsEvent`, as one self-contained schema.
 * Every call builds a new object. Throws when a file of schemas/ is missing or not JSON.
 */
export function loadEnvelopeSchema(): AvroRecordSchema {
  return assemble('AgentMetricsEvent');
}

/**
 * The schema of one metric record, self-contained, for topics whose subjects are named by record.
 * Every call builds a new object. Throws when a file of schemas/ is missing or not JSON.
 */
export function loadMetricSchema(name: MetricRecordName): AvroRecordSchema {
  return assemble(name);
}

function assemble(name: string): AvroRecordSchema {
  return inlineFields(readRecordFile(name), new Set([`${NAMESPACE}.${name}`]));
}

function inlineFields(record: AvroRecordSchema, defined: Set<string>): AvroRecordSchema {
  const fields = record.fields.map((field) => ({ ...field, type: inline(field.type, defined) }));
  return { ...record, fields };
}

/** Avro allows one definition per name: inlined at its first use, a reference afterwards. */
function inline(schema: AvroSchema, defined: Set<string>): AvroSchema {
  if (Array.isArray(schema)) return schema.map((branch) => inline(branch, defined));
  if (typeof schema !== 'string') {
    switch (schema.type) {
      case 'array':
        return { ...schema, items: inline(schema.items, defined) };
      case 'map':
        return { ...schema, values: inline(schema.values, defined) };
      case 'record':
        return inlineFields(schema, defined);
    }
  }
  if (!schema.startsWith(`${NAMESPACE}.`) || defined.has(schema)) return schema;
  defined.add(schema);
  return inlineFields(readRecordFile(schema.slice(NAMESPACE.length + 1)), defined);
}
