import { describe, expect, test } from 'vitest';
import { parseSchema } from '../../../src/decode/avro/parse-schema.ts';
import { readerFor } from '../../../src/decode/avro/reader.ts';
import { withUnknownFields } from '../../../src/decode/avro/unknown-fields.ts';
import { canonicalForm, planOf } from '../../../src/identify/canonical-form.ts';
import type { BillableMetric } from '../../../src/identify/identity.ts';
import type { AvroSchema } from '../../../src/schemas/avro-schema.ts';
import { loadEnvelopeSchema, loadMetricSchema } from '../../../src/schemas/load.ts';
import { metricRecordName } from '../../../src/schemas/metric-records.ts';
import { llm, realtime, stt } from '../../identify/samples.ts';
import { schemaV1 } from '../../support/schemas-v1.ts';
import { definitionOf, otherEnvelope } from './wire.ts';

const withV1: [BillableMetric][] = [
  [llm({ cache_creation_tokens: 3, reasoning_tokens: 4 })],
  [stt({ input_tokens: 1, input_audio_tokens: 1, total_tokens: 1 })],
  [realtime()],
];

test.each(withV1)(
  'a build that knows a field finds what one that did not has applied: %j',
  (metric) => {
    const record = metricRecordName(metric.type) ?? '';
    const writer = parseSchema(loadMetricSchema(record as 'LLMMetrics'));
    const known = withUnknownFields(schemaV1(record), writer);
    // STT's total_tokens is derived, which a build that does not know it cannot know.
    const plan = planOf(known).filter(
      ({ name }) => metric.type !== 'stt_metrics' || name !== 'total_tokens',
    );
    expect(canonicalForm(metric, plan)).toEqual(Buffer.from(canonicalForm(metric)));
  },
);

describe('the fields that only the writer has', () => {
  const unknown = (schema: unknown) => readerFor(schema).unknownFields;

  test('are none in our schema, and none in one of before', () => {
    expect(unknown(loadEnvelopeSchema())).toEqual([]);
    expect(unknown(schemaV1())).toEqual([]);
  });

  test('are named by record and path, whatever their type', () => {
    const schema = otherEnvelope((later) => {
      const list = { type: 'array', items: 'string' } as AvroSchema;
      later.fields.unshift({ name: 'tenant', doc: '', type: 'string' });
      definitionOf(later, 'VADMetrics').fields.push({ name: 'tags', doc: '', type: list });
      definitionOf(later, 'Metadata').fields.push({ name: 'region', doc: '', type: 'string' });
    });
    const names = unknown(schema);
    expect(names).toEqual(expect.arrayContaining(['tenant', 'VADMetrics.tags']));
    expect(names).toContain('LLMMetrics.metadata.region');
    expect(names.every((name) => !name.startsWith('metric.'))).toBe(true);
  });
});
