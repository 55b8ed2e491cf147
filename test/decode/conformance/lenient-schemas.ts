import avro from 'avsc';
import { describe, expect, test } from 'vitest';
import type { AvroSchema } from '../../../src/schemas/avro-schema.ts';
import { loadEnvelopeSchema } from '../../../src/schemas/load.ts';
import { llm, stt } from '../../identify/samples.ts';
import {
  branchesOf,
  definitionOf,
  envelope,
  otherEnvelope,
  string,
  written,
} from '../avro/wire.ts';
import { type DecoderOf, seenOf } from './seen.ts';

const ours = loadEnvelopeSchema();
const good = written(ours, envelope(llm()));

interface AnyField {
  name: string;
  type: unknown;
  default?: unknown;
  aliases?: unknown;
  doc?: unknown;
  order?: unknown;
}
const fieldsOf = (schema: AvroSchema, record: string) =>
  definitionOf(schema, record).fields as unknown as AnyField[];

/** Schemas that other registries and producers take, and that reading does not suffer from. */
export function describeLenientSchemas(decoderOf: DecoderOf): void {
  describe('what reading does not need is not looked at', () => {
    // Apicurio registers it, Java writes with it: every message of such a writer was `undecodable`.
    test('a default that is not of the first branch of its union', async () => {
      const schema = otherEnvelope((root) => {
        for (const field of fieldsOf(root, 'LLMMetrics')) {
          if (field.name !== 'speech_id') continue;
          field.type = ['string', 'null'];
          field.default = null;
        }
      });
      const parts = structuredClone(schema);
      for (const field of fieldsOf(parts, 'LLMMetrics')) delete field.default;
      const bytes = written(parts, envelope(llm({ speech_id: 'speech' })));
      expect(await seenOf(decoderOf, schema, bytes)).toMatchObject({
        metric: llm({ speech_id: 'speech' }),
      });
    });

    test.each([
      ['a default of a wrong type', { default: { a: 1 } }],
      ['a default that is out of range', { default: Number.MAX_VALUE }],
      ['aliases that are no names', { aliases: ['1-2', 7, null] }],
      ['aliases that are no list', { aliases: 'other' }],
      ['documentation that is no text', { doc: [1, 2] }],
      ['an order that Avro does not know', { order: 'sideways' }],
    ])('%s', async (_, attributes) => {
      const schema = otherEnvelope((root) => {
        for (const field of fieldsOf(root, 'LLMMetrics')) Object.assign(field, attributes);
        Object.assign(definitionOf(root, 'LLMMetrics'), attributes);
      });
      expect(await seenOf(decoderOf, schema, good)).toMatchObject({
        kind: 'billable',
        metric: llm(),
      });
    });

    test.each([
      [
        'a logical type that nobody knows',
        { type: 'long', logicalType: 'of-our-own', precision: -1 },
      ],
      ['a type within a type', { type: { type: 'long' } }],
      ['a decimal without precision', { type: 'long', logicalType: 'decimal' }],
    ])('%s', async (_, type) => {
      const schema = otherEnvelope((root) => {
        for (const field of fieldsOf(root, 'LLMMetrics'))
          if (field.type === 'long') field.type = type;
      });
      expect(await seenOf(decoderOf, schema, good)).toMatchObject({
        kind: 'billable',
        metric: llm(),
      });
    });

    test.each(['with-dash', '1st', 'é', '__proto__', 'a b'])(
      'a name that Avro does not allow: %s',
      async (name) => {
        const schema = otherEnvelope((root) => {
          root.fields.unshift({
            name,
            doc: '',
            type: { type: 'record', name, fields: [] } as never,
          });
          root.fields.unshift({ name: `${name}-2`, doc: '', type: 'string' });
        });
        const bytes = Buffer.concat([string('skipped'), good]);
        expect(await seenOf(decoderOf, schema, bytes)).toMatchObject({
          kind: 'billable',
          metric: llm(),
        });
      },
    );
  });

  describe('a union in the place of a plain value', () => {
    const schema = otherEnvelope((root) => {
      for (const field of fieldsOf(root, 'STTMetrics')) {
        if (field.name === 'label') field.type = ['null', 'string'];
      }
    });

    test('costs only the messages that have a branch which we cannot read', async () => {
      const branch = 'usage_ledger.STTMetrics';
      const value = (label: unknown) => {
        const { type: _, ...fields } = stt();
        return { ...envelope(stt()), metric: { [branch]: { ...fields, label } } };
      };
      const type = avro.Type.forSchema(schema as avro.Schema, { wrapUnions: true });
      const unwrapped = type.clone(value('text'), { wrapUnions: true });
      expect(await seenOf(decoderOf, schema, type.toBuffer(unwrapped))).toMatchObject({
        metric: stt({ label: 'text' }),
      });
      const empty = type.clone(value(null), { wrapUnions: true });
      expect(await seenOf(decoderOf, schema, type.toBuffer(empty))).toMatchObject({
        reason: 'undecodable',
        detail: 'null is not expected here',
      });
    });
  });

  describe('references to other schemas', () => {
    test('are resolved, in the order in which the registry names them', async () => {
      const metadata = definitionOf(ours, 'Metadata');
      const schema = otherEnvelope((root) => {
        for (const branch of branchesOf(root)) {
          for (const field of (branch as unknown as { fields: AnyField[] }).fields) {
            if (field.name === 'metadata') field.type = ['null', 'usage_ledger.Metadata'];
          }
        }
      });
      const whole = { schema, references: [metadata] };
      expect(await seenOf(decoderOf, whole, good)).toMatchObject({
        kind: 'billable',
        metric: llm(),
      });
      expect(await seenOf(decoderOf, schema, good)).toMatchObject({
        detail: expect.stringContaining('"usage_ledger.Metadata" is not defined'),
      });
    });
  });
}
