import { describe, expect, test } from 'vitest';
import {
  type AgentMetrics,
  billableUsage,
  COUNT_COLUMNS,
  DURATION_COLUMNS,
} from '../../src/livekit/index.ts';
import { recorded } from './recorded.ts';

interface RecordedRow extends Record<string, string | number> {
  session_id: string;
  usage_type: string;
  provider: string;
  model: string;
  event_count: number;
}

const PLACES = 60;

/** A double's shortest decimal form as a whole number of 10^-60. Enough for what is recorded. */
function scaled(value: number | string): bigint {
  const [digits = '', exponent = '0'] = String(value).split('e');
  const [whole = '', fraction = ''] = digits.split('.');
  return BigInt(whole + fraction) * 10n ** BigInt(PLACES - fraction.length + Number(exponent));
}

function keyOf(session: string, usageType: string, provider: string, model: string): string {
  return JSON.stringify([session, usageType, provider, model]);
}

describe('billableUsage', () => {
  const sums = new Map<string, Map<string, bigint>>();
  for (const event of recorded<{ session_id: string; metric: AgentMetrics }>(
    'calls/events.jsonl',
  )) {
    const usage = billableUsage(event.metric);
    if (usage === undefined) continue;
    const { usageType, provider, model, ...columns } = usage;
    const key = keyOf(event.session_id, usageType, provider, model);
    const row = sums.get(key) ?? new Map<string, bigint>();
    sums.set(key, row);
    for (const [column, value] of Object.entries({ ...columns, event_count: 1 })) {
      row.set(column, (row.get(column) ?? 0n) + scaled(value));
    }
  }

  test('added up exactly, gives the recorded rows, whole numbers and durations to the digit', () => {
    const expected = recorded<RecordedRow>('calls/expected_session_model_usage.jsonl');
    expect(sums.size).toBe(expected.length);
    for (const { session_id, usage_type, provider, model, ...columns } of expected) {
      const row = sums.get(keyOf(session_id, usage_type, provider, model));
      for (const [column, value] of Object.entries(columns)) {
        expect(row?.get(column), `${session_id} ${usage_type} ${column}`).toBe(scaled(value));
      }
    }
  });

  test('leaves the columns that a kind does not have at zero', () => {
    const expected = recorded<RecordedRow>('calls/expected_session_model_usage.jsonl');
    for (const columns of expected) {
      const { session_id, usage_type, provider, model } = columns;
      for (const [column, sum] of sums.get(keyOf(session_id, usage_type, provider, model)) ?? []) {
        // Of the LLM columns, only this one is not a field of the Python class.
        if (column === 'output_image_tokens' || column in columns) continue;
        expect(sum).toBe(0n);
      }
    }
  });

  test('has the kind, the names and every column, and nothing else', () => {
    const usage = billableUsage({ type: 'interruption_metrics', num_requests: 1 } as AgentMetrics);
    expect(Object.keys(usage ?? {}).sort()).toEqual(
      ['usageType', 'provider', 'model', ...COUNT_COLUMNS, ...DURATION_COLUMNS].sort(),
    );
  });

  test('bills neither VAD nor EOU nor what is no metric', () => {
    for (const type of ['vad_metrics', 'eou_metrics', 'llm_usage', 'constructor']) {
      expect(billableUsage({ type } as AgentMetrics)).toBeUndefined();
    }
    expect(billableUsage(null as unknown as AgentMetrics)).toBeUndefined();
  });

  test('carries realtime output image tokens, and no details that the provider does not give', () => {
    const usage = billableUsage({
      type: 'realtime_model_metrics',
      input_tokens: 10,
      output_tokens: 20,
      session_duration: 1.5,
      input_token_details: {
        audio_tokens: 1,
        text_tokens: 2,
        image_tokens: 3,
        cached_tokens: 4,
        cached_tokens_details: null,
      },
      output_token_details: { text_tokens: 5, audio_tokens: 6, image_tokens: 7 },
    } as AgentMetrics);
    expect(usage).toMatchObject({
      usageType: 'llm_usage',
      provider: '',
      model: '',
      input_tokens: 10,
      input_cached_tokens: 4,
      input_cached_audio_tokens: 0,
      input_cached_text_tokens: 0,
      input_cached_image_tokens: 0,
      output_tokens: 20,
      output_image_tokens: 7,
      session_duration: 1.5,
    });
  });
});
