import { readdirSync } from 'node:fs';
import avro from 'avsc';
import { describe, expect, test } from 'vitest';
import type { AgentMetrics } from '../../src/livekit/index.ts';
import type { AvroRecordSchema, AvroSchema } from '../../src/schemas/avro-schema.ts';
import { loadEnvelopeSchema, loadMetricSchema, readRecordFile } from '../../src/schemas/load.ts';
import { METRIC_RECORDS, metricRecordName } from '../../src/schemas/metric-records.ts';
import { recorded } from '../livekit/recorded.ts';

/** Names of the records that a schema defines, in order, repeats included. */
function definedIn(schema: AvroSchema): string[] {
  if (typeof schema === 'string') return [];
  if (Array.isArray(schema)) return schema.flatMap(definedIn);
  if (schema.type === 'map') return definedIn(schema.values);
  if (schema.type === 'array') return definedIn(schema.items);
  return [schema.name, ...schema.fields.flatMap((field) => definedIn(field.type))];
}

function namesOf(schema: AvroSchema): string[] {
  return typeof schema === 'object' && 'name' in schema ? [schema.name] : [];
}

function typeOf(schema: AvroRecordSchema): avro.Type {
  return avro.Type.forSchema(schema as avro.Schema);
}

/** A metric as avsc wants the branch of an ambiguous union: under its record name, no literal. */
function branch(metric: AgentMetrics): Record<string, unknown> {
  const { type, ...fields } = metric;
  return { [`usage_ledger.${metricRecordName(type)}`]: fields };
}

describe('loadEnvelopeSchema', () => {
  test('defines each record of schemas/ once and needs nothing else', () => {
    const files = readdirSync(new URL('../../schemas/', import.meta.url));
    const names = files.map((file) => file.replace('.avsc', ''));
    expect(definedIn(loadEnvelopeSchema()).sort()).toEqual(names.sort());
    expect(typeOf(loadEnvelopeSchema()).name).toBe('usage_ledger.AgentMetricsEvent');
  });

  test('keeps the doc of every record and field', () => {
    const schema = loadEnvelopeSchema();
    expect(schema.doc).not.toBe('');
    expect(JSON.stringify(schema)).toContain(readRecordFile('LLMMetrics').fields[0]?.doc);
  });

  test('has the union in the order of the contract', () => {
    const [, , , metric] = loadEnvelopeSchema().fields;
    expect(metric?.name).toBe('metric');
    expect(Array.isArray(metric?.type) ? metric.type.flatMap(namesOf) : []).toEqual(
      METRIC_RECORDS.map(({ record }) => record),
    );
  });

  test('encodes and decodes every recorded metric without loss', () => {
    const type = typeOf(loadEnvelopeSchema());
    for (const event of recorded<{ session_id: string; metric: AgentMetrics }>(
      'livekit-1.8.9/collector/events.jsonl',
    )) {
      const value = {
        session_id: event.session_id,
        account_id: 'acct-1',
        attributes: { region: 'eu' },
        metric: branch(event.metric),
      };
      expect(JSON.parse(JSON.stringify(type.fromBuffer(type.toBuffer(value))))).toEqual(value);
    }
  });

  test('builds a new object every time', () => {
    loadEnvelopeSchema().fields.length = 0;
    expect(loadEnvelopeSchema().fields).toHaveLength(4);
  });
});

describe('loadMetricSchema', () => {
  test.each(METRIC_RECORDS)('$record stands alone', ({ record: name }) => {
    expect(typeOf(loadMetricSchema(name)).name).toBe(`usage_ledger.${name}`);
  });
});

describe('schemas/', () => {
  const names = ['AgentMetricsEvent', ...definedIn(loadEnvelopeSchema()).slice(1)];

  test.each(names)(
    '%s has a doc on itself and on each field, and nullable fields default to null',
    (name) => {
      const record = readRecordFile(name);
      expect([record.name, record.namespace, record.type]).toEqual([
        name,
        'usage_ledger',
        'record',
      ]);
      expect(record.doc).toMatch(/\.$/);
      for (const field of record.fields) {
        expect(field.doc, field.name).toMatch(/\.$/);
        if (Array.isArray(field.type) && field.type[0] === 'null') expect(field.default).toBeNull();
      }
    },
  );

  test('a recorded metric has exactly the fields of its record, those of 1.5.10 in order', () => {
    const fieldsOf = ({ type }: AgentMetrics) =>
      readRecordFile(metricRecordName(type) ?? '').fields.map(({ name }) => name);
    const latest = recorded<{ metric: AgentMetrics }>('livekit-1.8.9/calls/events.jsonl');
    for (const { metric } of latest) {
      expect(Object.keys(metric).sort()).toEqual(['type', ...fieldsOf(metric)].sort());
    }
    for (const { metric } of recorded<{ metric: AgentMetrics }>('calls/events.jsonl')) {
      const names = Object.keys(metric);
      expect(names).toEqual(['type', ...fieldsOf(metric)].slice(0, names.length));
    }
  });
});
