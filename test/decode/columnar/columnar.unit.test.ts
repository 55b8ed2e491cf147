import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { AgentMetrics } from '../../../src/livekit/types.ts';
import type { AvroField, AvroRecordSchema, AvroSchema } from '../../../src/schemas/avro-schema.ts';
import { loadEnvelopeSchema, loadMetricSchema } from '../../../src/schemas/load.ts';
import { simulateEvents } from '../../../src/simulate/simulate-events.ts';
import { recordedCalls } from '../../../tools/demo/recorded-calls.ts';
import { eou, interruption, llm, realtime, stt, tts, vad } from '../../identify/samples.ts';
import { encoded } from '../../support/messages.ts';
import { Mutator } from '../../torture/mutator.ts';
import { definitionOf, envelope, framed, otherEnvelope, schemasOf, written } from '../avro/wire.ts';
import { agreed } from './agreed.ts';

/**
 * The fast path says what the careful one says, or nothing. Each of these tests looks at both; some
 * also insist that it says something.
 */

const ours = loadEnvelopeSchema();

const event = (metric: AgentMetrics, others = {}, schema: AvroRecordSchema = ours) =>
  framed(written(schema, envelope(metric, others)));

describe('it takes', () => {
  test('every recorded call, and the careful path says the same', () => {
    for (const call of recordedCalls().events) {
      expect(agreed(encoded(call)), JSON.stringify(call)).toBeDefined();
    }
  });

  test('every simulated event', () => {
    let count = 0;
    for (const simulated of simulateEvents({ sessions: 60, seed: 7, liveSessions: 20 })) {
      expect(agreed(encoded(simulated)), JSON.stringify(simulated)).toBeDefined();
      count += 1;
    }
    expect(count).toBeGreaterThan(5_000);
  });

  test.each([llm(), tts(), stt(), realtime(), interruption(), vad(), eou()])(
    'a plain $type, without metadata too',
    (metric) => {
      expect(agreed(event(metric))).toBeDefined();
      expect(agreed(event({ ...metric, metadata: null }))).toBeDefined();
      const half = { model_name: null, model_provider: 'p' };
      expect(agreed(event({ ...metric, metadata: half }))).toBeDefined();
    },
  );

  test('sessions, accounts and attributes in any script', () => {
    const others = { session_id: '通话', account_id: 'Øre', attributes: { ключ: '🙂', b: '' } };
    expect(agreed(event(llm(), others))).toMatchObject({ sessionId: '通话', accountId: 'Øre' });
    const proto = { attributes: JSON.parse('{"__proto__":"x","a":"1"}') };
    expect(agreed(event(llm(), proto))).toBeDefined();
  });

  test('tokens up to 2^53-1', () => {
    for (const tokens of [0, 63, 64, 2 ** 31, 2 ** 49 + 1, 2 ** 53 - 2]) {
      const metric = llm({ prompt_tokens: tokens });
      expect(agreed(event(metric))).toMatchObject({ values: [tokens, 20, 10] });
    }
  });

  test('ids of any length, and none', () => {
    for (const length of [1, 63, 64, 65, 300]) {
      const request_id = 'x'.repeat(length);
      expect(agreed(event(llm({ request_id })))).toMatchObject({ written: request_id });
    }
    expect(agreed(event(interruption()))).toMatchObject({ written: null });
  });

  test('placeholder ids, and ids as long as one', () => {
    for (const request_id of ['', 'unknown', 'session_close', 'unknowx', 'session_clost']) {
      for (const metric of [llm(), tts(), stt(), realtime()]) {
        expect(agreed(event({ ...metric, request_id }))).toMatchObject({ requestId: request_id });
      }
    }
  });
});

describe('it leaves to the careful path', () => {
  test.each([
    ['a tombstone', () => null],
    ['an empty session', () => event(llm(), { session_id: '' })],
    ['a session that is too long', () => event(llm(), { session_id: 's'.repeat(1_025) })],
    ['U+0000 in a session', () => event(llm(), { session_id: 'a\0' })],
    ['U+0000 in a label', () => event(llm({ label: 'a\0' }))],
    ['an id that is not ASCII', () => event(llm({ request_id: 'é' }))],
    ['an id with quotes', () => event(llm({ request_id: 'a"b' }))],
    ['an id with a backslash', () => event(stt({ request_id: 'a\\b' }))],
    ['a segment with a line break', () => event(tts({ segment_id: 'a\nb' }))],
    ['a long id', () => event(llm({ request_id: 'x'.repeat(1_025) }))],
    ['a negative count', () => event(llm({ total_tokens: -1 }))],
    ['a negative duration', () => event(stt({ audio_duration: -0.5 }))],
    ['no number', () => event(stt({ audio_duration: Number.NaN }))],
    ['a timestamp without an end', () => event(vad({ timestamp: Number.POSITIVE_INFINITY }))],
    ['a large message', () => event(llm({ label: 'x'.repeat(7_000) }))],
    ['a byte too many', () => Buffer.concat([event(llm()), Buffer.from([0])])],
    ['a byte too few', () => event(llm()).subarray(0, -1)],
    ['bytes without a frame', () => Buffer.from([1, 2, 3, 4, 5, 6])],
  ])('%s', (_, value) => {
    expect(agreed(value())).toBeUndefined();
  });
});

describe('a metric without an envelope', async () => {
  const schema = loadMetricSchema('LLMMetrics');
  const cache = await schemasOf(schema);
  const { type: _, ...fields } = llm();
  const value = framed(written(schema, fields));
  const of = (beside: Parameters<typeof agreed>[2]) => agreed(value, cache, beside);

  test('is taken with its key as session', () => {
    expect(of({ key: Buffer.from('call') })).toMatchObject({
      sessionId: 'call',
      values: [100, 20, 10],
    });
    expect(of({ key: Buffer.from('通话') })).toMatchObject({ sessionId: '通话' });
  });

  test('is left to the careful path with a header, or without a plain key', () => {
    const key = Buffer.from('call');
    expect(of({ key, headers: { session_id: Buffer.from('other') } })).toBeUndefined();
    for (const odd of [null, Buffer.alloc(0), Buffer.from([0x61, 0xff]), Buffer.from('a\0')]) {
      expect(of({ key: odd })).toBeUndefined();
    }
    expect(of({ key: Buffer.from('k'.repeat(1_025)) })).toBeUndefined();
  });
});

test('30,000 spoilt messages: it never says anything else', () => {
  const mutator = new Mutator(recordedCalls().events.map(encoded), 42);
  let taken = 0;
  for (let i = 0; i < 30_000; i += 1) {
    const value = mutator.next();
    if (value.length >= 5 && value.readUInt32BE(1) !== 7) continue;
    if (agreed(value) !== undefined) taken += 1;
  }
  expect(taken).toBeGreaterThan(1_000);
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
  );

  test.each([llm(), tts(), stt(), realtime(), interruption(), vad(), eou()])(
    'of $type',
    (metric) => {
      const arbitrary = fc.record(
        Object.fromEntries(
          Object.entries(metric).map(([name, value]) => [name, arbitraryLike(name, value)]),
        ),
      );
      fc.assert(
        fc.property(arbitrary, text, fc.option(text), (fields, session_id, account_id) => {
          const changed = { ...fields, type: metric.type } as unknown as AgentMetrics;
          agreed(event(changed, { session_id, account_id }));
        }),
        { numRuns: 1_000 },
      );
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
      // Half of them stay: a metric with a strange value in each field is refused for the first.
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

describe('other writers', () => {
  const foreign = (schema: unknown) => schema as AvroSchema;
  const fieldOf = ({ fields }: AvroRecordSchema, name: string) =>
    fields.find((field) => field.name === name) as AvroField;
  const extra = (type: unknown): AvroField => ({ name: 'extra', doc: '', type: foreign(type) });

  async function of(
    change: (schema: AvroRecordSchema) => void,
    metric: AgentMetrics,
    others: object = {},
  ) {
    const schema = otherEnvelope(change);
    return agreed(event(metric, others, schema), await schemasOf(schema));
  }

  test('with their fields in another order', async () => {
    const reversed = (schema: AvroRecordSchema) => {
      // Metadata is defined where it is met first.
      const [, ...branches] = fieldOf(schema, 'metric').type as AvroSchema[];
      for (const branch of branches) (branch as AvroRecordSchema).fields.reverse();
      const head = schema.fields.splice(0, 3);
      schema.fields.unshift(...head.reverse());
    };
    for (const metric of [tts(), stt(), realtime({ input_token_details: details() }), vad()]) {
      expect(await of(reversed, metric, { attributes: { a: 'b' } })).toBeDefined();
    }
    function details() {
      return { ...realtime().input_token_details, cached_tokens_details: null };
    }
  });

  test('with fields that are not known here', async () => {
    for (const [type, value] of [
      ['string', 'x'.repeat(3_000)],
      ['double', Number.NaN],
      ['float', 1.5],
      ['long', -(2 ** 50)],
      ['int', -1],
      ['boolean', true],
      [['null', 'string'], 'x'],
      [['string', 'null'], null],
    ] as const) {
      const metric = { ...llm(), extra: value } as AgentMetrics;
      const change = (schema: AvroRecordSchema) =>
        definitionOf(schema, 'LLMMetrics').fields.splice(3, 0, extra(type));
      const schema = otherEnvelope(change);
      const type_ = event(metric, {}, schema);
      expect(agreed(type_, await schemasOf(schema)), JSON.stringify(type)).toBeDefined();
    }
  });

  test('without the fields that have a default', async () => {
    const bare = (schema: AvroRecordSchema) => {
      for (const name of ['RealtimeModelMetrics', 'STTMetrics', 'InputTokenDetails']) {
        const record = definitionOf(schema, name);
        record.fields = record.fields.filter(
          (field) => !('default' in field) || field.name === 'metadata',
        );
      }
      schema.fields = schema.fields.filter((field) => !('default' in field));
    };
    expect(await of(bare, stt())).toBeDefined();
    expect(await of(bare, realtime())).toBeDefined();
  });

  test('with int and float where we have long and double', async () => {
    const narrow = (schema: AvroRecordSchema) => {
      const record = definitionOf(schema, 'STTMetrics');
      fieldOf(record, 'input_tokens').type = 'int';
      fieldOf(record, 'audio_duration').type = 'float';
      fieldOf(record, 'duration').type = 'long';
    };
    expect(await of(narrow, stt({ audio_duration: 0.1, duration: 3 }))).toBeDefined();
  });

  test('with types that it does not know', async () => {
    const bytes = (schema: AvroRecordSchema) => {
      fieldOf(definitionOf(schema, 'STTMetrics'), 'label').type = 'bytes';
    };
    const metric = { ...stt(), label: Buffer.from('stt') } as never;
    expect(await of(bytes, metric)).toBeUndefined();
    const list = (schema: AvroRecordSchema) =>
      definitionOf(schema, 'STTMetrics').fields.push(extra({ type: 'array', items: 'string' }));
    expect(await of(list, { ...stt(), extra: ['a'] } as never)).toBeUndefined();
    expect(await of(list, llm())).toBeDefined();
  });

  test.each([
    ['cancelled', 'LLMMetrics', llm()],
    ['streamed', 'STTMetrics', stt()],
    ['cancelled', 'TTSMetrics', tts()],
    ['idle_time', 'VADMetrics', vad()],
    ['timestamp', 'EOUMetrics', eou()],
  ] as const)('without %s of %s, which has no default', async (name, record, metric) => {
    const without = (schema: AvroRecordSchema) => {
      const definition = definitionOf(schema, record);
      definition.fields = definition.fields.filter((field) => field.name !== name);
    };
    expect(await of(without, metric)).toBeUndefined();
  });

  test('with a record of another name, which is none of ours', async () => {
    const renamed = (schema: AvroRecordSchema) => {
      fieldOf(definitionOf(schema, 'TTSMetrics'), 'metadata').type = foreign([
        'null',
        { ...definitionOf(loadEnvelopeSchema(), 'Metadata'), name: 'Origin' },
      ]);
    };
    expect(await of(renamed, tts())).toBeUndefined();
  });
});
