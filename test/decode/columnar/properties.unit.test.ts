import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { AgentMetrics } from '../../../src/livekit/types.ts';
import type { AvroRecordSchema } from '../../../src/schemas/avro-schema.ts';
import { loadEnvelopeSchema } from '../../../src/schemas/load.ts';
import { recordedCalls } from '../../../tools/demo/recorded-calls.ts';
import { eou, interruption, llm, realtime, stt, tts, vad } from '../../identify/samples.ts';
import { encoded } from '../../support/messages.ts';
import { Mutator } from '../../torture/mutator.ts';
import { envelope, framed, written } from '../avro/wire.ts';
import { agreed } from './agreed.ts';

/**
 * The fast path says what the reference says, or declines. How many it takes is asserted too: by
 * declining all it would pass.
 */

const ours = loadEnvelopeSchema();

const event = (metric: AgentMetrics, others = {}, schema: AvroRecordSchema = ours) =>
  framed(written(schema, envelope(metric, others)));

test('of 30,000 corrupt records it takes at least 1,400, and says what the reference says', () => {
  const mutator = new Mutator(recordedCalls().events.map(encoded), 42);
  let taken = 0;
  for (let i = 0; i < 30_000; i += 1) {
    const value = mutator.next();
    if (value.length >= 5 && value.readUInt32BE(1) !== 7) continue;
    if (agreed(value) !== undefined) taken += 1;
  }
  expect(taken).toBeGreaterThanOrEqual(1_400);
});

describe('whatever the values', () => {
  const double = fc.oneof(fc.double(), fc.constantFrom(0, -0, -1, 0.1, 1e21, 5e-324, 1e-7));
  const count = fc
    .oneof(fc.nat(), fc.maxSafeNat(), fc.constantFrom(0, 1, 2 ** 53 - 2))
    .map((n) => Math.min(n, 2 ** 53 - 2));
  const text = fc.oneof(
    fc.string({ unit: 'grapheme', maxLength: 80 }),
    fc.string({ maxLength: 80 }),
    fc.constantFrom('', 'unknown', 'session_close', 'x'.repeat(1_024)),
    fc.stringMatching(/^(?:[a-z]{1,8}-)?(?:[0-9]{1,13}|None|null)$/),
  );

  test.each([
    { metric: llm(), least: 100 },
    { metric: tts(), least: 50 },
    { metric: stt(), least: 100 },
    { metric: realtime(), least: 100 },
    { metric: interruption(), least: 250 },
    { metric: vad(), least: 400 },
    { metric: eou(), least: 400 },
  ])(
    'of 1,000 of $metric.type it takes at least $least, and says what the reference says',
    ({ metric, least }) => {
      const arbitrary = fc.record(
        Object.fromEntries(
          Object.entries(metric).map(([name, value]) => [name, arbitraryLike(name, value)]),
        ),
      );
      let taken = 0;
      fc.assert(
        fc.property(arbitrary, text, fc.option(text), (fields, session_id, account_id) => {
          const changed = { ...fields, type: metric.type } as unknown as AgentMetrics;
          if (agreed(event(changed, { session_id, account_id })) !== undefined) taken += 1;
        }),
        { numRuns: 1_000 },
      );
      expect(taken).toBeGreaterThanOrEqual(least);
    },
  );

  function arbitraryLike(name: string, value: unknown): fc.Arbitrary<unknown> {
    if (name === 'metadata') {
      return fc.option(fc.record({ model_name: fc.option(text), model_provider: fc.option(text) }));
    }
    if (name === 'speech_id' || name === 'segment_id') return fc.option(text);
    if (name === 'cached_tokens_details') {
      return fc.option(fc.record({ audio_tokens: count, text_tokens: count, image_tokens: count }));
    }
    if (typeof value === 'string') return text;
    if (typeof value === 'boolean') return fc.boolean();
    if (typeof value === 'number') {
      // Half of them stay: a metric with an unusual value in each field is declined for the first.
      const isCount = /tokens$|^num_|count$/.test(name);
      return fc.oneof(fc.constant(value), isCount ? count : double);
    }
    return fc.record(
      Object.fromEntries(
        Object.entries(value as object).map(([key, inner]) => [key, arbitraryLike(key, inner)]),
      ),
    );
  }
});
