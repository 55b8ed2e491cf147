import avro from 'avsc';
import { expect, test } from 'vitest';
import type { AvroSchema } from '../../../src/schemas/avro-schema.ts';
import { loadEnvelopeSchema } from '../../../src/schemas/load.ts';
import { branchesOf, decoded, definitionOf, otherEnvelope } from './wire.ts';

const ours = loadEnvelopeSchema();

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
