import { expect, test } from 'vitest';
import {
  METRIC_RECORDS,
  metricRecordName,
  metricTypeOf,
} from '../../src/schemas/metric-records.ts';

test('the record name and the type literal of a metric map to each other', () => {
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
