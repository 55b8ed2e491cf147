import { describe, expect, test } from 'vitest';
import {
  type AgentMetrics,
  type InterruptionMetrics,
  type LLMMetrics,
  type ModelUsage,
  ModelUsageCollector,
} from '../../src/livekit/index.ts';
import { fieldsAsIn, RECORDED_VERSIONS, recorded } from './recorded.ts';

interface RecordedEvent {
  session_id: string;
  metric: AgentMetrics;
}

const INTERRUPTION: InterruptionMetrics = {
  type: 'interruption_metrics',
  timestamp: 1760000000,
  total_duration: 0.2,
  prediction_duration: 0.1,
  detection_delay: 0.3,
  num_interruptions: 1,
  num_backchannels: 0,
  num_requests: 3,
  metadata: null,
};

function interruptionOf(model_provider: string | null, model_name: string | null): AgentMetrics {
  return { ...INTERRUPTION, metadata: { model_name, model_provider } };
}

describe.each(RECORDED_VERSIONS)(
  'ModelUsageCollector, with what $version recorded',
  ({ files }) => {
    const collectors = new Map<string, ModelUsageCollector>();
    for (const { session_id, metric } of recorded<RecordedEvent>(`${files}/events.jsonl`)) {
      let collector = collectors.get(session_id);
      if (collector === undefined) {
        collector = new ModelUsageCollector();
        collectors.set(session_id, collector);
      }
      collector.collect(metric);
    }
    const expected = recorded<{ session_id: string; usage: ModelUsage[] }>(
      `${files}/expected_model_usage.jsonl`,
    );

    test.each(expected)(
      'answers as Python recorded for $session_id, to the bit and in order',
      ({ session_id, usage }) => {
        const actual = (collectors.get(session_id) ?? new ModelUsageCollector()).flatten();
        // Entries, so that the order of the fields counts; toStrictEqual compares numbers by Object.is.
        const rows = actual.map((row, i) => fieldsAsIn(usage[i] ?? {}, row));
        expect(rows).toStrictEqual(usage.map(Object.entries));
      },
    );
  },
);

describe('ModelUsageCollector', () => {
  test('keys by the pair, so that no two pairs share a row however they are joined', () => {
    const collector = new ModelUsageCollector();
    const pairs = [
      ['x', 'y|z'],
      ['x|y', 'z'],
      ['a\0b', 'c'],
      ['a', 'b\0c'],
      ['', 'ab'],
      ['ab', ''],
    ] as const;
    for (const [provider, model] of pairs) collector.collect(interruptionOf(provider, model));
    expect(collector.flatten().map((row) => [row.provider, row.model])).toEqual(pairs);
  });

  test('takes names of Object.prototype like any other name', () => {
    const collector = new ModelUsageCollector();
    for (const name of ['__proto__', 'constructor', 'toString', '__proto__']) {
      collector.collect(interruptionOf(name, name));
    }
    expect(collector.flatten()).toEqual([
      { type: 'interruption_usage', provider: '__proto__', model: '__proto__', total_requests: 6 },
      {
        type: 'interruption_usage',
        provider: 'constructor',
        model: 'constructor',
        total_requests: 3,
      },
      { type: 'interruption_usage', provider: 'toString', model: 'toString', total_requests: 3 },
    ]);
  });

  test('puts absent, null and empty metadata in one row of empty names', () => {
    const collector = new ModelUsageCollector();
    const { metadata: _, ...withoutMetadata } = INTERRUPTION;
    collector.collect(withoutMetadata as AgentMetrics);
    collector.collect(INTERRUPTION);
    collector.collect(interruptionOf(null, null));
    collector.collect(interruptionOf('', ''));
    expect(collector.flatten()).toEqual([
      { type: 'interruption_usage', provider: '', model: '', total_requests: 12 },
    ]);
  });

  test('keeps a row of zeros', () => {
    const collector = new ModelUsageCollector();
    collector.collect({ ...INTERRUPTION, num_requests: 0 });
    expect(collector.flatten()).toHaveLength(1);
  });

  test('ignores anything that is not a metric', () => {
    const collector = new ModelUsageCollector();
    const nonMetrics = [
      null,
      undefined,
      1,
      'llm_metrics',
      [],
      {},
      { type: 'other' },
      { type: null },
    ];
    for (const nonMetric of nonMetrics) collector.collect(nonMetric as unknown as AgentMetrics);
    expect(collector.flatten()).toEqual([]);
  });

  test('flatten gives copies, which later events and callers do not change', () => {
    const collector = new ModelUsageCollector();
    collector.collect(INTERRUPTION);
    const before = collector.flatten();
    collector.collect(INTERRUPTION);
    expect(before).toMatchObject([{ total_requests: 3 }]);
    for (const row of collector.flatten()) row.provider = 'changed';
    expect(collector.flatten()).toMatchObject([{ provider: '', total_requests: 6 }]);
  });

  test('lists LLM, interruption and end of turn in this order, whichever was seen first', () => {
    const llm: LLMMetrics = {
      type: 'llm_metrics',
      label: '',
      request_id: 'chatcmpl-1',
      timestamp: 0,
      duration: 1,
      ttft: 0.5,
      cancelled: true,
      completion_tokens: 2,
      prompt_tokens: 3,
      prompt_cached_tokens: 1,
      cache_creation_tokens: 0,
      reasoning_tokens: 0,
      total_tokens: 5,
      tokens_per_second: 2,
      speech_id: null,
      metadata: null,
    };
    const collector = new ModelUsageCollector();
    collector.collect({
      type: 'eot_inference_metrics',
      timestamp: 0,
      total_duration: 0.2,
      detection_delay: 0.1,
      prediction_duration: 0.1,
      num_requests: 1,
      metadata: null,
    });
    collector.collect(INTERRUPTION);
    collector.collect(llm);
    expect(collector.flatten().map((row) => row.type)).toEqual([
      'llm_usage',
      'interruption_usage',
      'eot_usage',
    ]);
  });
});
