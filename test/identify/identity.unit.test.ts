import { describe, expect, test } from 'vitest';
import {
  type BillableMetric,
  IDENTITY_RULE,
  identify,
  requestIdOf,
} from '../../src/identify/identity.ts';
import { hexOf, interruption, llm, realtime, stt, tts } from './samples.ts';

/** How two events of one session and type stand to each other. */
function relation(a: BillableMetric, b: BillableMetric): 'duplicate' | 'conflict' | 'different' {
  const [one, two] = [hexOf(a), hexOf(b)];
  if (one.identity !== two.identity) return 'different';
  return one.fingerprint === two.fingerprint ? 'duplicate' : 'conflict';
}

interface Row {
  /** What distinguishes one emission from another: changed, it is another emission. */
  readonly discriminates: Record<string, BillableMetric>;
  /** Anything else: changed, it is the same emission with another payload. */
  readonly conflicts: Record<string, BillableMetric>;
}

/** DESIGN.md, "Identity", row by row; each case is the sample with one field changed. */
const TABLE: { sample: BillableMetric; row: Row }[] = [
  {
    sample: llm(),
    row: {
      discriminates: { request_id: llm({ request_id: 'chatcmpl-B9MBs8CjcvOV' }) },
      conflicts: {
        timestamp: llm({ timestamp: 1 }),
        prompt_tokens: llm({ prompt_tokens: 101 }),
        total_tokens: llm({ total_tokens: 0 }),
        ttft: llm({ ttft: -1 }),
        cancelled: llm({ cancelled: true }),
        label: llm({ label: '' }),
        metadata: llm({ metadata: null }),
      },
    },
  },
  {
    sample: tts(),
    row: {
      discriminates: {
        request_id: tts({ request_id: 'tts_4f1a09c2be78' }),
        segment_id: tts({ segment_id: 'segment-2' }),
        'no segment_id': tts({ segment_id: null }),
        'empty segment_id': tts({ segment_id: '' }),
      },
      conflicts: {
        timestamp: tts({ timestamp: 1 }),
        characters_count: tts({ characters_count: 43 }),
        audio_duration: tts({ audio_duration: 3.5 }),
      },
    },
  },
  {
    sample: stt(),
    row: {
      discriminates: {
        request_id: stt({ request_id: 'stt_0c1d2e3f4a5c' }),
        timestamp: stt({ timestamp: 1_760_000_000.2500002 }),
        audio_duration: stt({ audio_duration: 5.050000000000001 }),
        input_tokens: stt({ input_tokens: 1 }),
        output_tokens: stt({ output_tokens: 1 }),
      },
      conflicts: {
        duration: stt({ duration: 1 }),
        streamed: stt({ streamed: false }),
        model: stt({ metadata: { model_name: 'other', model_provider: 'provider' } }),
      },
    },
  },
  {
    sample: realtime(),
    row: {
      discriminates: {
        request_id: realtime({ request_id: 'resp_67ccd2bed1ed' }),
        timestamp: realtime({ timestamp: 1 }),
        input_tokens: realtime({ input_tokens: 301 }),
        output_tokens: realtime({ output_tokens: 91 }),
        total_tokens: realtime({ total_tokens: 391 }),
        session_duration: realtime({ session_duration: 60 }),
      },
      conflicts: {
        duration: realtime({ duration: 3 }),
        'nested counts': realtime({
          output_token_details: { text_tokens: 31, audio_tokens: 60, image_tokens: 0 },
        }),
      },
    },
  },
  {
    sample: interruption(),
    row: {
      discriminates: {
        timestamp: interruption({ timestamp: 1 }),
        num_requests: interruption({ num_requests: 5 }),
        num_backchannels: interruption({ num_backchannels: 1 }),
        detection_delay: interruption({ detection_delay: 0.3 }),
        metadata: interruption({ metadata: null }),
      },
      conflicts: {},
    },
  },
];

describe.each(TABLE)('$sample.type', ({ sample, row }) => {
  test('is a duplicate when all is the same', () => {
    expect(relation(sample, structuredClone(sample))).toBe('duplicate');
  });

  test.each(Object.entries(row.discriminates))('is another emission by: %s', (_, other) => {
    expect(relation(sample, other)).toBe('different');
  });

  test.each(Object.entries(row.conflicts))('is a conflict by: %s', (_, other) => {
    expect(relation(sample, other)).toBe('conflict');
  });
});

describe.each(['', 'session_close', 'chatcmpl-7', 'None'])('the weak id %j', (request_id) => {
  const makers = { llm, tts, stt, realtime };

  test.each(Object.entries(makers))('distinguishes emissions by the whole event: %s', (_, make) => {
    expect(relation(make({ request_id }), make({ request_id }))).toBe('duplicate');
    expect(
      relation(make({ request_id }), make({ request_id, cancelled: true, streamed: false })),
    ).toBe('different');
    expect(relation(make({ request_id }), make({ request_id, label: 'x' }))).toBe('different');
  });

  test('spreads the fingerprint over both halves', () => {
    const { identity, fingerprint } = hexOf(llm({ request_id }));
    expect(identity).not.toBe(fingerprint);
    expect(hexOf(llm()).fingerprint).not.toBe(fingerprint);
  });
});

test('a speech_id that is filled in late leaves a duplicate a duplicate', () => {
  expect(relation(llm(), llm({ speech_id: 'speech' }))).toBe('duplicate');
  expect(relation(tts({ speech_id: 'a' }), tts({ speech_id: 'b' }))).toBe('duplicate');
  const request_id = '';
  expect(relation(tts({ request_id }), tts({ request_id, speech_id: 'b' }))).toBe('duplicate');
});

test('-0 is 0, in the identity and in the fingerprint', () => {
  expect(relation(stt({ audio_duration: 0 }), stt({ audio_duration: -0 }))).toBe('duplicate');
  expect(relation(realtime({ session_duration: 0 }), realtime({ session_duration: -0 }))).toBe(
    'duplicate',
  );
  expect(relation(llm({ ttft: 0 }), llm({ ttft: -0 }))).toBe('duplicate');
  expect(relation(interruption({ timestamp: 0 }), interruption({ timestamp: -0 }))).toBe(
    'duplicate',
  );
});

test('the parts of an identity are kept apart', () => {
  const one = tts({ request_id: 'a","b', segment_id: 'c' });
  const two = tts({ request_id: 'a', segment_id: 'b","c' });
  expect(relation(one, two)).toBe('different');
  expect(
    relation(
      tts({ request_id: 'ab', segment_id: 'c' }),
      tts({ request_id: 'a', segment_id: 'bc' }),
    ),
  ).toBe('different');
  expect(relation(tts({ segment_id: null }), tts({ segment_id: 'null' }))).toBe('different');
});

test('metrics of different types never share an identity, be their ids the same', () => {
  const request_id = 'same';
  const all = [llm, tts, stt, realtime].map((make) => hexOf(make({ request_id })).identity);
  expect(new Set(all).size).toBe(4);
});

test('halves are whole numbers of 32 bits with a sign, which take no memory of their own', () => {
  for (let i = 0; i < 200; i += 1) {
    for (const half of Object.values(identify(llm({ request_id: `r${i}` })))) {
      expect(half).toBe(half | 0);
    }
  }
});

test('only interruption has no request id', () => {
  expect(requestIdOf(interruption())).toBeNull();
  expect(requestIdOf(stt({ request_id: '' }))).toBe('');
});

describe('the rule of an earlier build', () => {
  const samples = [llm(), tts(), stt(), realtime()];

  test.each(samples)('gives a $type another identity and the same fingerprint', (metric) => {
    const [now, before] = [hexOf(metric), hexOf(metric, 1)];
    expect(before.identity).not.toBe(now.identity);
    expect(before.fingerprint).toBe(now.fingerprint);
  });

  test.each([...samples.map((metric) => ({ ...metric, request_id: '' })), interruption()])(
    'is the same for a $type without an id',
    (metric) => {
      expect(hexOf(metric, 1)).toEqual(hexOf(metric));
    },
  );

  test('takes any id but three for a strong one', () => {
    for (const request_id of ['chatcmpl-7', '42', 'None', 'null']) {
      const [one, two] = [llm({ request_id }), llm({ request_id, ttft: 9 })];
      expect(hexOf(one, 1).identity, request_id).toBe(hexOf(two, 1).identity);
      expect(hexOf(one).identity, request_id).not.toBe(hexOf(two).identity);
      expect(hexOf(one).identity, request_id).not.toBe(hexOf(one, 1).identity);
    }
  });

  test('takes -0 for 0, and keeps any text apart', () => {
    expect(hexOf(stt({ audio_duration: -0 }), 1)).toEqual(hexOf(stt({ audio_duration: 0 }), 1));
    expect(hexOf(llm({ request_id: 'a"\u2028' }), 1).identity).not.toBe(
      hexOf(llm({ request_id: 'a\\"\u2028' }), 1).identity,
    );
  });
});

test('a rule of a later build is refused: its events would be billed twice', () => {
  for (const metric of [llm(), llm({ request_id: '' }), interruption()]) {
    expect(() => identify(metric, IDENTITY_RULE + 1)).toThrow('of a later build');
  }
});
