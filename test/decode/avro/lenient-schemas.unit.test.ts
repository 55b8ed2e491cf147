import avro from 'avsc';
import { describe, expect, test } from 'vitest';
import type { AvroSchema } from '../../../src/schemas/avro-schema.ts';
import { loadEnvelopeSchema } from '../../../src/schemas/load.ts';
import { llm, stt } from '../../identify/samples.ts';
import {
  branchesOf,
  decoded,
  definitionOf,
  envelope,
  otherEnvelope,
  string,
  written,
} from './wire.ts';

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
    expect(await decoded(schema, bytes)).toMatchObject({ metric: llm({ speech_id: 'speech' }) });
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
    expect(await decoded(schema, good)).toMatchObject({ outcome: 'event', metric: llm() });
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
    expect(await decoded(schema, good)).toMatchObject({ outcome: 'event', metric: llm() });
  });

  test.each(['with-dash', '1st', 'é', '__proto__', 'a b'])(
    'a name that Avro does not allow: %s',
    async (name) => {
      const schema = otherEnvelope((root) => {
        root.fields.unshift({ name, doc: '', type: { type: 'record', name, fields: [] } as never });
        root.fields.unshift({ name: `${name}-2`, doc: '', type: 'string' });
      });
      const bytes = Buffer.concat([string('skipped'), good]);
      expect(await decoded(schema, bytes)).toMatchObject({ outcome: 'event', metric: llm() });
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
    expect(await decoded(schema, type.toBuffer(unwrapped))).toMatchObject({
      metric: stt({ label: 'text' }),
    });
    const empty = type.clone(value(null), { wrapUnions: true });
    expect(await decoded(schema, type.toBuffer(empty))).toMatchObject({
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
    expect(await decoded(whole, good)).toMatchObject({ outcome: 'event', metric: llm() });
    expect(await decoded(schema, good)).toMatchObject({
      detail: expect.stringContaining('"usage_ledger.Metadata" is not defined'),
    });
  });
});

/** Types that a newer writer might use, put anywhere. */
const EXTRAS: readonly unknown[] = [
  'boolean',
  'bytes',
  ['null', 'string', 'long'],
  { type: 'array', items: ['null', 'double'] },
  { type: 'map', values: { type: 'array', items: 'int' } },
  { type: 'enum', name: 'Kind', symbols: ['A', 'B', 'C'] },
  { type: 'fixed', name: 'Digest', size: 5 },
  { type: 'record', name: 'Tree', fields: [{ name: 'next', type: ['null', 'Tree'] }] },
  { type: 'record', name: 'None', fields: [] },
  'null',
];

// avsc is the reference: other people's code, and read by other rules only where the tests say so.
test('values of other writers are read as avsc reads them, whatever is new in their schema', async () => {
  const reader = avro.Type.forSchema(ours as avro.Schema);
  for (let seed = 0; seed < 300; seed += 1) {
    const schema = otherEnvelope((root) => {
      const lists = [
        root.fields,
        ...branchesOf(root).map((branch) => fieldsOf(root, nameIn(branch))),
      ];
      const extra = EXTRAS[seed % EXTRAS.length];
      const fields = lists[Math.floor(seed / EXTRAS.length) % lists.length] as AnyField[];
      fields.splice(seed % (fields.length + 1), 0, { name: 'extra', type: extra });
      const isOptional = (field: AnyField) => 'default' in field && field.name !== 'metadata';
      for (const list of lists as AnyField[][]) {
        const at = list.findIndex(isOptional);
        if (seed % 3 === 0 && at !== -1) list.splice(at, 1);
        if (seed % 7 === 0 && list !== root.fields) list.push(...list.splice(1, 2));
      }
    });
    const writer = avro.Type.forSchema(schema as avro.Schema);
    const value = (writer as unknown as { random(): unknown }).random();
    const bytes = writer.toBuffer(value);
    const expected = reader.fromBuffer(bytes, reader.createResolver(writer));
    const event = await decoded(schema, bytes);
    if (event.outcome !== 'event') {
      expect(event.outcome === 'dead_letter' && event.reason).toBe('missing_session_id');
      continue;
    }
    const { type: _, ...metric } = event.metric;
    expect({ ...event, metric }).toMatchObject({
      sessionId: expected.session_id,
      accountId: expected.account_id,
      metric: JSON.parse(JSON.stringify(expected.metric.unwrap())),
    });
    expect({ ...event.attributes }).toEqual({ ...expected.attributes });
  }
});

const nameIn = (branch: AvroSchema) => (branch as { name: string }).name;
