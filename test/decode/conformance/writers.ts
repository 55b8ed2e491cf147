import { describe, expect, test } from 'vitest';
import type { AvroField, AvroRecordSchema, AvroSchema } from '../../../src/schemas/avro-schema.ts';
import { loadMetricSchema } from '../../../src/schemas/load.ts';
import { llm, realtime, stt, tts, vad } from '../../identify/samples.ts';
import { branchesOf, definitionOf, envelope, otherEnvelope, written } from '../avro/wire.ts';
import { type DecoderOf, seenOf } from './seen.ts';

/** A schema by another producer: it may use all of Avro. */
const foreign = (schema: unknown) => schema as AvroSchema;
const fieldOf = ({ fields }: AvroRecordSchema, name: string) =>
  fields.find((field) => field.name === name) as AvroField;

function without(record: AvroRecordSchema, ...names: string[]): void {
  record.fields = record.fields.filter(({ name }) => !names.includes(name));
}

function pick(metric: object, ...leftOut: string[]): object {
  return Object.fromEntries(Object.entries(metric).filter(([name]) => !leftOut.includes(name)));
}

/** Which messages the records of older, newer and incompatible writers become. */
export function describeWriters(decoderOf: DecoderOf): void {
  describe('an older writer', () => {
    test('gets our defaults for the fields that it does not have', async () => {
      const schema = otherEnvelope((envelopeSchema) => {
        without(envelopeSchema, 'account_id', 'attributes');
        without(
          definitionOf(envelopeSchema, 'TTSMetrics'),
          'input_tokens',
          'segment_id',
          'metadata',
        );
      });
      const metric = { 'usage_ledger.TTSMetrics': pick(tts(), 'type', 'segment_id', 'metadata') };

      expect(
        await seenOf(decoderOf, schema, written(schema, { session_id: 'call', metric })),
      ).toMatchObject({
        kind: 'billable',
        accountId: null,
        attributes: {},
        metric: { ...tts(), segment_id: null, metadata: null },
      });
    });

    test('may know fewer metrics, down to one that is no union', async () => {
      const schema = otherEnvelope((envelopeSchema) => {
        fieldOf(envelopeSchema, 'metric').type = loadMetricSchema('STTMetrics');
      });
      const payload = written(schema, {
        session_id: 'call',
        account_id: null,
        attributes: {},
        metric: pick(stt(), 'type'),
      });
      expect(await seenOf(decoderOf, schema, payload)).toMatchObject({
        kind: 'billable',
        metric: stt(),
      });
    });

    test('may have written int, float and bytes where we have long, double and string', async () => {
      const schema = otherEnvelope((envelopeSchema) => {
        const record = definitionOf(envelopeSchema, 'STTMetrics');
        fieldOf(record, 'input_tokens').type = 'int';
        fieldOf(record, 'audio_duration').type = 'float';
        fieldOf(record, 'duration').type = 'long';
        fieldOf(record, 'label').type = 'bytes';
      });
      const metric = stt({ input_tokens: 12, audio_duration: 0.5, duration: 3 });
      const bytes = { ...metric, label: Buffer.from('étage') };
      expect(
        await seenOf(decoderOf, schema, written(schema, envelope(bytes as never))),
      ).toMatchObject({
        metric: { ...metric, label: 'étage' },
      });
    });
  });

  describe('a newer writer', () => {
    const nested: AvroField = {
      name: 'extra',
      doc: '',
      default: null,
      type: foreign([
        'null',
        {
          type: 'record',
          name: 'Extra',
          fields: [
            { name: 'tags', type: { type: 'array', items: 'string' } },
            { name: 'counts', type: { type: 'map', values: { type: 'array', items: 'long' } } },
            { name: 'kind', type: { type: 'enum', name: 'Kind', symbols: ['A', 'B'] } },
            { name: 'digest', type: { type: 'fixed', name: 'Digest', size: 4 } },
            { name: 'next', type: ['null', 'Extra'] },
          ],
        },
      ]),
    };
    const leaf = { tags: ['a', 'b'], counts: { c: [1, 2] }, kind: 'B', digest: Buffer.alloc(4, 9) };
    const extra = { ...leaf, next: { ...leaf, next: null } };

    test('may have more fields, nested ones too: they are passed over', async () => {
      const schema = otherEnvelope((envelopeSchema) => {
        envelopeSchema.fields.unshift(nested);
        const reference = { ...nested, type: foreign(['null', 'usage_ledger.Extra']) };
        definitionOf(envelopeSchema, 'LLMMetrics').fields.splice(3, 0, reference);
        definitionOf(envelopeSchema, 'Metadata').fields.unshift(reference);
      });
      const metadata = { model_name: 'model', model_provider: 'provider', extra };
      const payload = written(schema, envelope({ ...llm(), extra, metadata } as never, { extra }));
      const event = await seenOf(decoderOf, schema, payload);
      expect(event).toMatchObject({ kind: 'billable', metric: llm() });
    });

    test('may carry the attributes of Java strings and of logical types', async () => {
      const javaString = foreign({ type: 'string', 'avro.java.string': 'String' });
      const schema = otherEnvelope((envelopeSchema) => {
        fieldOf(envelopeSchema, 'session_id').type = javaString;
        fieldOf(envelopeSchema, 'attributes').type = { type: 'map', values: javaString };
        fieldOf(definitionOf(envelopeSchema, 'VADMetrics'), 'inference_count').type = foreign({
          type: 'long',
          logicalType: 'timestamp-millis',
        });
      });
      const payload = written(schema, envelope(vad(), { attributes: { a: 'b' } }));
      expect(await seenOf(decoderOf, schema, payload)).toMatchObject({
        kind: 'ignored',
        attributes: { a: 'b' },
      });
    });
  });

  describe('a writer with a metric that is not known here', () => {
    const unknown = foreign({
      type: 'record',
      name: 'FutureMetrics',
      namespace: 'usage_ledger',
      fields: [
        { name: 'frames', type: 'long' },
        { name: 'metadata', type: ['null', 'usage_ledger.Metadata'] },
      ],
    });
    const schema = otherEnvelope((envelopeSchema) => {
      branchesOf(envelopeSchema).push(unknown, 'null', 'string');
    });
    const withMetric = (metric: unknown) => ({ ...envelope(llm()), metric });
    const avatar = { frames: 25, metadata: { model_name: 'm', model_provider: null } };

    test.each([
      ['usage_ledger.FutureMetrics', { 'usage_ledger.FutureMetrics': avatar }],
      ['null', null],
      ['string', { string: 'text' }],
    ])('loses the messages of %s only, as unknown_metric_type', async (name, metric) => {
      expect(await seenOf(decoderOf, schema, written(schema, withMetric(metric)))).toMatchObject({
        reason: 'unknown_metric_type',
        detail: `the metric is ${name}, which is not known here`,
      });
    });

    test.each([llm(), realtime(), stt(), tts()])('keeps the others: $type', async (metric) => {
      const event = await seenOf(decoderOf, schema, written(schema, envelope(metric)));
      expect(event).toMatchObject({ kind: 'billable', metric });
    });

    test('loses metrics of the same names in a namespace that is not ours', async () => {
      const theirs = { ...loadMetricSchema('LLMMetrics'), namespace: 'other' };
      const both = otherEnvelope((envelopeSchema) => {
        // Metadata is defined by now, where the union met it first.
        fieldOf(theirs, 'metadata').type = ['null', 'usage_ledger.Metadata'];
        branchesOf(envelopeSchema).push(theirs);
      });
      const metric = { 'other.LLMMetrics': pick(llm(), 'type') };
      expect(await seenOf(decoderOf, both, written(both, withMetric(metric)))).toMatchObject({
        reason: 'unknown_metric_type',
      });
      expect(await seenOf(decoderOf, both, written(both, envelope(llm())))).toMatchObject({
        kind: 'billable',
      });
    });

    test.each(['usage_ledger.FutureMetrics', 'other.LLMMetrics', 'usage_ledger.Metadata'])(
      'is unknown_metric_type when %s is the whole message',
      async (name) => {
        const top = { type: 'record', name, fields: [{ name: 'frames', type: 'long' }] };
        expect(await seenOf(decoderOf, top, written(top, { frames: 1 }))).toMatchObject({
          reason: 'unknown_metric_type',
          detail: expect.stringContaining(`the schema is ${name}`),
        });
      },
    );

    test('is unknown_metric_type when the whole message is no record', async () => {
      expect(await seenOf(decoderOf, 'string', written('string', 'text'))).toMatchObject({
        reason: 'unknown_metric_type',
        detail: expect.stringContaining('the schema is string'),
      });
    });
  });

  describe('a writer with one of our metrics made incompatible', () => {
    const schema = otherEnvelope((envelopeSchema) => {
      without(definitionOf(envelopeSchema, 'LLMMetrics'), 'request_id');
      // At the same time it is older: the first branch is the one that defines Metadata.
      without(definitionOf(envelopeSchema, 'Metadata'), 'model_provider');
    });

    test('loses the messages of that metric, as undecodable', async () => {
      const payload = written(schema, envelope(llm()));
      expect(await seenOf(decoderOf, schema, payload)).toMatchObject({
        reason: 'undecodable',
        detail: expect.stringContaining('usage_ledger.LLMMetrics cannot be read as ours'),
      });
    });

    // A record of the lost branch was once resolved for all branches: `model_provider` was missing
    // instead of null, and identifying the event threw.
    test('keeps the others, whose records are resolved to ours all the same', async () => {
      const metric = stt({ metadata: { model_name: 'model', model_provider: null } });
      const event = await seenOf(decoderOf, schema, written(schema, envelope(metric)));
      expect(event).toMatchObject({ kind: 'billable', metric });
    });

    test('loses all its messages when it is the only metric of its schema', async () => {
      const bare = loadMetricSchema('LLMMetrics');
      without(bare, 'request_id');
      expect(await seenOf(decoderOf, bare, written(bare, pick(llm(), 'type')))).toMatchObject({
        reason: 'undecodable',
        detail: expect.stringContaining('the schema cannot be resolved to ours'),
      });
    });
  });
}
