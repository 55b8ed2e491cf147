import { describe, expect, test } from 'vitest';
import type { AgentMetrics } from '../../../src/livekit/types.ts';
import type { AvroField, AvroRecordSchema, AvroSchema } from '../../../src/schemas/avro-schema.ts';
import { loadEnvelopeSchema } from '../../../src/schemas/load.ts';
import { eou, llm, realtime, stt, tts, vad } from '../../identify/samples.ts';
import { definitionOf, envelope, framed, otherEnvelope, schemasOf, written } from '../avro/wire.ts';
import { agreed } from './agreed.ts';

/** Which writers' schemas the fast path compiles, and that it says of their records what the reference says. */

const ours = loadEnvelopeSchema();

const event = (metric: AgentMetrics, others = {}, schema: AvroRecordSchema = ours) =>
  framed(written(schema, envelope(metric, others)));

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
    for (const [type, value, isTaken] of [
      ['string', 'x', true],
      ['string', 'x'.repeat(3_000), false],
      ['double', 0.5, true],
      ['double', Number.NaN, false],
      ['float', 1.5, true],
      ['long', 2 ** 50, true],
      ['int', -1, false],
      ['boolean', true, true],
      [['null', 'string'], 'x', true],
      [['string', 'null'], null, true],
      [['null', 'long'], null, false],
    ] as const) {
      const metric = { ...llm(), extra: value } as AgentMetrics;
      const change = (schema: AvroRecordSchema) =>
        definitionOf(schema, 'LLMMetrics').fields.splice(3, 0, extra(type));
      const schema = otherEnvelope(change);
      const type_ = event(metric, {}, schema);
      const message = agreed(type_, await schemasOf(schema));
      expect(message !== undefined, JSON.stringify([type, value])).toBe(isTaken);
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
