import { describe, expect, test } from 'vitest';
import type { AgentMetrics } from '../../src/livekit/types.ts';
import { usageValues } from '../../src/livekit/usage-of.ts';
import { type AgentEvent, ALL_UTF8 } from '../../src/records/agent-event.ts';
import { validate } from '../../src/validate/validate.ts';
import { eou, interruption, llm, realtime, stt, tts, vad } from '../identify/samples.ts';

const eventOf = (metric: AgentMetrics, others: Partial<AgentEvent> = {}): AgentEvent => ({
  sessionId: 'call',
  accountId: null,
  attributes: {},
  notUtf8: ALL_UTF8,
  ...others,
  metric,
});
const problemOf = (metric: AgentMetrics, others: Partial<AgentEvent> = {}) => {
  const validated = validate(eventOf(metric, others));
  return validated.valid ? undefined : validated.detail;
};

const { MAX_SAFE_INTEGER, MAX_VALUE, MIN_VALUE, NaN: nan, POSITIVE_INFINITY: infinity } = Number;

describe('an event that is fit', () => {
  test.each([llm(), realtime(), stt(), tts(), interruption()])('has its usage: $type', (metric) => {
    const validated = validate(eventOf(metric));
    expect(validated).toEqual({ valid: true, values: usageValues(metric) });
  });

  test.each([vad(), eou()])('has none when it is not billed: $type', (metric) => {
    expect(validate(eventOf(metric))).toEqual({ valid: true, values: undefined });
  });

  test('may say of itself nothing but zeros and nulls', () => {
    const nothing = { prompt_tokens: 0, completion_tokens: 0, prompt_cached_tokens: 0 };
    expect(problemOf(llm({ ...nothing, total_tokens: 0, request_id: '', metadata: null }))).toBe(
      undefined,
    );
    expect(problemOf(tts({ metadata: { model_name: null, model_provider: null } }))).toBe(
      undefined,
    );
  });
});

/** Every count that is billed, and how a metric comes to have a value in it. */
const COUNTS: Record<string, (value: number) => AgentMetrics> = {
  'llm prompt_tokens': (value) => llm({ prompt_tokens: value }),
  'llm prompt_cached_tokens': (value) => llm({ prompt_cached_tokens: value }),
  'llm completion_tokens': (value) => llm({ completion_tokens: value }),
  'llm total_tokens': (value) => llm({ total_tokens: value }),
  'tts characters_count': (value) => tts({ characters_count: value }),
  'tts input_tokens': (value) => tts({ input_tokens: value }),
  'tts output_tokens': (value) => tts({ output_tokens: value }),
  'stt input_tokens': (value) => stt({ input_tokens: value }),
  'stt output_tokens': (value) => stt({ output_tokens: value }),
  'interruption num_requests': (value) => interruption({ num_requests: value }),
  'realtime input_tokens': (value) => realtime({ input_tokens: value }),
  'realtime output_tokens': (value) => realtime({ output_tokens: value }),
  'realtime total_tokens': (value) => realtime({ total_tokens: value }),
  ...inputDetails('audio_tokens', 'text_tokens', 'image_tokens', 'cached_tokens'),
  ...cachedDetails('audio_tokens', 'text_tokens', 'image_tokens'),
  ...outputDetails('audio_tokens', 'text_tokens', 'image_tokens'),
};

type Cases = Record<string, (value: number) => AgentMetrics>;

function inputDetails(...names: string[]): Cases {
  const cases = names.map((name) => [
    `realtime input ${name}`,
    (value: number) =>
      realtime({ input_token_details: { ...realtime().input_token_details, [name]: value } }),
  ]);
  return Object.fromEntries(cases);
}

function cachedDetails(...names: string[]): Cases {
  const details = realtime().input_token_details;
  const cached = { audio_tokens: 0, text_tokens: 0, image_tokens: 0 };
  const cases = names.map((name) => [
    `realtime cached ${name}`,
    (value: number) =>
      realtime({
        input_token_details: { ...details, cached_tokens_details: { ...cached, [name]: value } },
      }),
  ]);
  return Object.fromEntries(cases);
}

function outputDetails(...names: string[]): Cases {
  const cases = names.map((name) => [
    `realtime output ${name}`,
    (value: number) =>
      realtime({ output_token_details: { ...realtime().output_token_details, [name]: value } }),
  ]);
  return Object.fromEntries(cases);
}

describe.each(Object.entries(COUNTS))('the count %s', (_, metricWith) => {
  test.each([0, -0, 1, MAX_SAFE_INTEGER])('may be %d', (value) => {
    expect(problemOf(metricWith(value))).toBeUndefined();
  });

  test.each([-1, -MAX_SAFE_INTEGER, MAX_SAFE_INTEGER + 1, nan, infinity, -infinity])(
    'is refused as %d',
    (value) => {
      expect(problemOf(metricWith(value))).toContain(`is ${value}; expected 0 to 2^53-1`);
    },
  );
});

describe.each<[string, (value: number) => AgentMetrics]>([
  ['tts audio_duration', (value) => tts({ audio_duration: value })],
  ['stt audio_duration', (value) => stt({ audio_duration: value })],
  ['realtime session_duration', (value) => realtime({ session_duration: value })],
])('the duration %s', (_, metricWith) => {
  test.each([0, -0, MIN_VALUE, 0.1, 1e21, MAX_VALUE])('may be %d', (value) => {
    expect(problemOf(metricWith(value))).toBeUndefined();
  });

  test.each([-MIN_VALUE, -1, nan, infinity, -infinity])('is refused as %d', (value) => {
    expect(problemOf(metricWith(value))).toContain(`is ${value}; expected a finite number`);
  });
});

describe('what is neither billed nor identity is taken as it is', () => {
  test.each([-1, nan, infinity])('ttft, ttfb, duration and rates of %d', (value) => {
    const times = { ttft: value, duration: value, tokens_per_second: value };
    expect(problemOf(llm(times))).toBeUndefined();
    expect(problemOf(realtime({ ...times, acquire_time: value }))).toBeUndefined();
    expect(problemOf(tts({ ttfb: value, duration: value, acquire_time: value }))).toBeUndefined();
    expect(problemOf(stt({ duration: value, acquire_time: value }))).toBeUndefined();
  });

  test('counts of interruptions, of which only requests are billed', () => {
    const counts = { num_interruptions: -1, num_backchannels: MAX_SAFE_INTEGER + 1 };
    expect(problemOf(interruption({ ...counts, detection_delay: nan }))).toBeUndefined();
  });

  test('all values of VAD and EOU', () => {
    const bad = { model_name: '\0', model_provider: '\uD800' };
    expect(problemOf(vad({ timestamp: nan, inference_count: -1, metadata: bad }))).toBeUndefined();
    expect(problemOf(eou({ timestamp: infinity, speech_id: '\0' }))).toBeUndefined();
  });
});

describe('a timestamp', () => {
  test.each([0, -0, -1, 12.5, 1_760_000_000, 1e300, -1e300])('may be %d', (timestamp) => {
    expect(problemOf(stt({ timestamp }))).toBeUndefined();
  });

  test.each([nan, infinity, -infinity])('is refused as %d', (timestamp) => {
    for (const metricWith of [llm, tts, stt, realtime, interruption]) {
      expect(problemOf(metricWith({ timestamp }))).toContain(`timestamp is ${timestamp}`);
    }
  });
});
