import { expect, test } from 'vitest';
import { type BillableMetric, requestIdOf } from '../../src/identify/identity.ts';
import { type EntryJson, entryPayload, metricPayload } from '../../src/ledger/payload.ts';
import { USAGE_COLUMNS } from '../../src/livekit/usage-columns.ts';
import { type BillableUsage, billableUsage } from '../../src/livekit/usage-of.ts';
import { interruption, llm, realtime, stt, tts } from '../identify/samples.ts';

/** The entry that the ledger keeps of a metric. */
function entryOf(metric: BillableMetric): EntryJson {
  const usage = billableUsage(metric) as BillableUsage;
  const columns = USAGE_COLUMNS.map((name) => [name, usage[name]]);
  return {
    metric_type: metric.type,
    request_id: requestIdOf(metric),
    provider: usage.provider,
    model: usage.model,
    event_at: '2025-10-09T08:53:20.25+00:00',
    ...Object.fromEntries(columns),
  };
}

test('a metric is kept with its type first, which lies on the prototype of what was decoded', () => {
  const { type, ...fields } = llm({ speech_id: 'é' });
  const decodedMetric = Object.assign(Object.create({ type }), fields) as BillableMetric;
  expect(metricPayload(decodedMetric)).toBe(JSON.stringify({ type, ...fields }));
  expect(metricPayload(decodedMetric)).toMatch(/^\{"type":"llm_metrics","label"/);
});

test.each([llm(), tts(), stt(), realtime(), interruption()])(
  'the payload of an entry has the field names of its metric, with their values: $type',
  (metric) => {
    const { event_at, ...payload } = JSON.parse(entryPayload(entryOf(metric)));
    expect(event_at).toBe('2025-10-09T08:53:20.25+00:00');
    expect(metric).toMatchObject(payload);
    // What is billed of the payload is what was billed of the metric.
    expect(billableUsage(payload)).toEqual(billableUsage(metric));
  },
);
