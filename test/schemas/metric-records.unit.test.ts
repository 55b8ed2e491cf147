import { expect, test } from 'vitest';
import {
  METRIC_RECORDS,
  metricRecordName,
  metricTypeOf,
} from '../../src/schemas/metric-records.ts';

test('record names and type literals lead to each other', () => {
  expect(METRIC_RECORDS).toHaveLength(7);
  for (const { record, type } of METRIC_RECORDS) {
    expect(metricRecordName(type)).toBe(record);
    expect(metricTypeOf(record)).toBe(type);
  }
});

test.each(['', 'constructor', '__proto__', 'llm_metrics', 'usage_ledger.LLMMetrics', 'Metadata'])(
  '%j is no metric record',
  (name) => {
    expect(metricTypeOf(name)).toBeUndefined();
  },
);

test.each(['', 'constructor', '__proto__', 'LLMMetrics', 'llm_usage'])(
  '%j is no metric type',
  (type) => {
    expect(metricRecordName(type)).toBeUndefined();
  },
);
