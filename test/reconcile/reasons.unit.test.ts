import { expect, test } from 'vitest';
import type { Difference } from '../../src/reconcile/difference.ts';
import { REASONS, reasonsOf, type SessionFacts } from '../../src/reconcile/reasons.ts';

type Numbers = readonly [reported: number, recorded: number];

const differing = (
  usage_type: string,
  name: string,
  columns: Partial<Record<Difference['dimension'], Numbers>>,
): Difference[] => {
  const [provider = '', model = ''] = name.split('/');
  return Object.entries(columns).map(([dimension, [reported, recorded]]) => ({
    session_id: 'call',
    usage_type,
    provider,
    model,
    dimension: dimension as Difference['dimension'],
    reported: String(reported),
    recorded: String(recorded),
    difference: String(recorded - reported),
  }));
};
const of = (differences: readonly Difference[], facts: SessionFacts = {}) =>
  reasonsOf(differences, facts).map((reasons) => reasons.join());

test('usage that is missing in the ledger may have been lost before Kafka', () => {
  expect(of(differing('stt_usage', 'deepgram/nova', { audio_duration: [9, 7.5] }))).toEqual([
    'not_recorded',
  ]);
});

test('a dead letter or a conflict of the session is likelier than a loss', () => {
  const missing = differing('stt_usage', 'deepgram/nova', { audio_duration: [9, 7.5] });
  expect(of(missing, { hasDeadLetters: true })).toEqual(['dead_letter']);
  expect(of(missing, { hasConflicts: true, hasDeadLetters: true })).toEqual([
    'dead_letter,conflict',
  ]);
});

test('up to twice the requests of an LLM may be key-term detection, and more than twice are not', () => {
  const twice = { input_tokens: [200, 100], output_tokens: [12, 9] } as const;
  expect(of(differing('llm_usage', 'openai/gpt', twice))).toEqual([
    'not_recorded,key_terms',
    'not_recorded,key_terms',
  ]);
  const more = { input_tokens: [200, 100], output_tokens: [19, 9] } as const;
  expect(of(differing('llm_usage', 'openai/gpt', more))).toEqual(['not_recorded', 'not_recorded']);
});

test("an adapter's copy is a model of the agent alone, whose name is that of the adapter", () => {
  for (const model of ['FallbackAdapter', 'tts.FallbackAdapter', 'unknown']) {
    expect(of(differing('llm_usage', `livekit/${model}`, { input_tokens: [7, 0] }))).toEqual([
      'adapter_copy',
    ]);
  }
  expect(of(differing('llm_usage', 'livekit/unknown', { input_tokens: [7, 4] }))).toEqual([
    'not_recorded,key_terms',
  ]);
});

test('a whole speech has at least the characters of its sentences', () => {
  expect(
    of(
      differing('tts_usage', 'fake/voice', {
        characters_count: [243, 121],
        audio_duration: [8, 4],
      }),
    ),
  ).toEqual(['whole_speech', 'whole_speech']);
  expect(of(differing('tts_usage', 'fake/voice', { characters_count: [122, 121] }))).toEqual([
    'not_recorded',
  ]);
});

test('a model without a name in the report is paired with one of the same usage in the ledger', () => {
  const agent = differing('llm_usage', '/', {
    input_tokens: [300, 0],
    session_duration: [12.5, 0],
  });
  const ledger = (input: number) =>
    differing('llm_usage', 'api.openai.com/gpt-realtime', {
      input_tokens: [0, input],
      session_duration: [0, 12.5],
    });
  expect(new Set(of([...agent, ...ledger(300)]))).toEqual(new Set(['unnamed_model']));
  expect(new Set(of([...agent, ...ledger(299)]))).toEqual(
    new Set(['not_recorded', 'counted_from_zero']),
  );
});

test('more in the ledger than in the report is a count that began at zero again', () => {
  const more = differing('stt_usage', 'deepgram/nova', { audio_duration: [7.5, 9] });
  expect(of(more)).toEqual(['counted_from_zero']);
  expect(of(more, { hasConflicts: true })).toEqual(['conflict,counted_from_zero']);
});

test('every reason is explained', () => {
  for (const sentence of Object.values(REASONS)) expect(sentence).not.toBe('');
});
