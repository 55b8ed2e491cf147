import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readerFor } from '../../../src/decode/avro/reader.ts';
import type { AvroSchema } from '../../../src/schemas/avro-schema.ts';
import { loadEnvelopeSchema } from '../../../src/schemas/load.ts';
import { llm } from '../../identify/samples.ts';
import { branchesOf, envelope, long, otherEnvelope, string, written } from '../avro/wire.ts';
import { type DecoderOf, seenOf } from './seen.ts';

/** Whoever may write to the registry decides what is in a schema. */
const LIMIT_MS = 500;
const ours = loadEnvelopeSchema();
const good = written(ours, envelope(llm()));

/** Processor time, since the machine may be busy with something else. */
async function within<T>(work: () => T | Promise<T>): Promise<T> {
  const begun = process.cpuUsage();
  const result = await work();
  const { user, system } = process.cpuUsage(begun);
  expect((user + system) / 1_000).toBeLessThan(LIMIT_MS);
  return result;
}

/** Our envelope with a field in front that we do not have. */
const withExtra = (type: unknown) =>
  otherEnvelope((schema) => {
    schema.fields.unshift({ name: 'extra', doc: '', type: type as AvroSchema });
  });

const record = (name: string, ...types: unknown[]) => ({
  type: 'record',
  name,
  fields: types.map((type, i) => ({ name: `f${i}`, type })),
});

/** Records of which each holds the one before it twice. */
function doubling(count: number, leaf: unknown): object {
  let type = record('R0', leaf);
  for (let i = 1; i < count; i += 1) type = record(`R${i}`, type, `R${i - 1}`);
  return type;
}

/** Schemas and messages that are made to cost much or to do harm. */
export function describeHostileSchemas(decoderOf: DecoderOf): void {
  describe('a field that we do not read', () => {
    // Passing over it took 2^45 steps, for ever.
    test('of 45 doubling records without bytes costs nothing', async () => {
      expect(
        await within(() => seenOf(decoderOf, withExtra(doubling(45, 'null')), good)),
      ).toMatchObject({
        kind: 'billable',
        metric: llm(),
      });
    });

    test('of 45 doubling records with bytes is refused where the message ends', async () => {
      expect(
        await within(() => seenOf(decoderOf, withExtra(doubling(45, 'boolean')), good)),
      ).toMatchObject({
        reason: 'undecodable',
        detail: expect.stringContaining('the message ends within a value'),
      });
    });

    // Its count was counted down, item by item.
    test.each(['null', record('Nothing'), doubling(45, 'null')])(
      'of an array of nothing with a gigantic count costs nothing',
      async (items) => {
        const bytes = Buffer.concat([long(2n ** 62n), long(0), good]);
        const schema = withExtra({ type: 'array', items });
        expect(await within(() => seenOf(decoderOf, schema, bytes))).toMatchObject({
          kind: 'billable',
        });
      },
    );

    test('of a giant fixed is refused', async () => {
      const schema = withExtra({ type: 'fixed', name: 'Giant', size: 2 ** 52 });
      expect(await within(() => seenOf(decoderOf, schema, good))).toMatchObject({
        reason: 'undecodable',
      });
    });

    test('of records with thousands of empty fields, a million times, costs what its bytes cost', async () => {
      const empty = new Array(10_000).fill('null');
      const schema = withExtra({ type: 'array', items: record('Wide', ...empty, 'boolean') });
      const count = 500_000;
      const bytes = Buffer.concat([long(count), Buffer.alloc(count), long(0), good]);
      expect(await within(() => seenOf(decoderOf, schema, bytes))).toMatchObject({
        kind: 'billable',
      });
    });

    test('of records a hundred deep around each byte is refused when that is too much work', async () => {
      let type: unknown = 'boolean';
      for (let i = 0; i < 95; i += 1) type = record(`D${i}`, type);
      const count = 1_000_000;
      const bytes = Buffer.concat([long(count), Buffer.alloc(count), long(0), good]);
      expect(
        await within(() => seenOf(decoderOf, withExtra({ type: 'array', items: type }), bytes)),
      ).toMatchObject({ detail: expect.stringContaining('more work than its size allows') });
    });

    test('of a list as deep as the message is long is refused', async () => {
      const list = record('List', ['null', 'List']);
      const bytes = Buffer.concat([Buffer.alloc(500_000, 2), Buffer.alloc(1), good]);
      expect(await within(() => seenOf(decoderOf, withExtra(list), bytes))).toMatchObject({
        detail: expect.stringContaining('nested deeper than 1000'),
      });
    });
  });

  describe('a union', () => {
    const unknownMetrics = (count: number) =>
      otherEnvelope((schema) => {
        for (let i = 0; i < count; i += 1) {
          branchesOf(schema).push(record(`Unknown${i}`, 'long') as never);
        }
      });

    // Resolving it took 46 s, in which the worker did nothing else.
    test('of 3,000 metrics is refused at once', async () => {
      expect(await within(() => seenOf(decoderOf, unknownMetrics(3_000), good))).toMatchObject({
        reason: 'undecodable',
        detail: expect.stringMatching(/a union has 30\d\d branches, more than 1000/),
      });
    });

    test('of 900 metrics costs nothing, and the known ones are read', async () => {
      const schema = unknownMetrics(900);
      expect(await within(() => seenOf(decoderOf, schema, good))).toMatchObject({ metric: llm() });
    });

    test('of the same record over and over, within each other, is resolved once', async () => {
      const deep = otherEnvelope((schema) => {
        const metric = branchesOf(schema)[0] as { fields: { name: string; type: AvroSchema }[] };
        const metadata = metric.fields.find(({ name }) => name === 'metadata');
        if (metadata === undefined) throw new Error('no metadata');
        const [none, first] = metadata.type as AvroSchema[];
        if (typeof first !== 'object') throw new Error('no record');
        const names = (first as { fields: { type: unknown }[] }).fields;
        for (const field of names) field.type = new Array(1_000).fill('string');
        const again = new Array(998).fill('usage_ledger.Metadata');
        metadata.type = [none as AvroSchema, first, ...again];
      });
      await within(() => readerFor(deep));
    });
  });

  describe('a schema', () => {
    test('that is nested without end is refused', async () => {
      let type: unknown = 'null';
      for (let i = 0; i < 100_000; i += 1) type = { type: 'array', items: type };
      expect(await within(() => seenOf(decoderOf, withExtra(type), good))).toMatchObject({
        detail: expect.stringContaining('nested deeper than 100'),
      });
      for (let i = 0; i < 100_000; i += 1) type = { type };
      expect(await within(() => seenOf(decoderOf, withExtra(type), good))).toMatchObject({
        detail: expect.stringContaining('nested deeper than 100'),
      });
    });

    test('with more parts than any producer needs is refused', async () => {
      const many = record('Many', ...new Array(30_000).fill('long'));
      expect(await within(() => seenOf(decoderOf, withExtra(many), good))).toMatchObject({
        detail: expect.stringContaining('more than 20000 parts'),
      });
    });

    test.each([
      ['a type that is not defined', 'Nowhere', '"Nowhere" is not defined'],
      ['null for a type', null, 'null is not an Avro type'],
      ['a fixed of a negative size', { type: 'fixed', name: 'F', size: -1 }, 'has size -1'],
      ['a record without fields', { type: 'record', name: 'R' }, 'has no fields'],
      ['a field without a name', { type: 'record', name: 'R', fields: [{}] }, 'a field without'],
      ['a name that is taken', record('usage_ledger.LLMMetrics'), 'is defined twice'],
      ['a union within a union', [['null']], 'is a branch of another one'],
    ])('with %s is refused, and says so', async (_, type, detail) => {
      expect(await seenOf(decoderOf, withExtra(type), good)).toMatchObject({
        reason: 'undecodable',
        detail: expect.stringContaining(detail),
      });
    });
  });

  describe('whatever a schema and a message say', () => {
    const primitive = fc.constantFrom(
      'null',
      'boolean',
      'int',
      'long',
      'float',
      'double',
      'string',
    );
    const { type: anyType } = fc.letrec<{ type: unknown }>((tie) => ({
      type: fc.oneof(
        { depthSize: 'medium', withCrossShrink: true },
        primitive,
        fc.constantFrom('bytes', 'usage_ledger.Metadata', 'R', '', null, 7, {}, []),
        fc.record({ type: fc.constant('array'), items: tie('type') }),
        fc.record({ type: fc.constant('map'), values: tie('type') }),
        fc.array(tie('type'), { maxLength: 5 }),
        fc.record({ type: tie('type'), logicalType: fc.constant('date') }),
        fc.record({
          type: fc.constant('fixed'),
          name: fc.string({ maxLength: 3 }),
          size: fc.oneof(fc.nat(9), fc.maxSafeInteger()),
        }),
        fc
          .tuple(
            fc.constantFrom('R', 'S', 'a.T', 'record'),
            fc.array(tie('type'), { maxLength: 6 }),
          )
          .map(([name, types]) => record(name, ...types)),
      ),
    }));
    const places = ['envelope', 'metric', 'metadata'] as const;

    test('it is read or refused, within a bounded time', async () => {
      await fc.assert(
        fc.asyncProperty(
          anyType,
          fc.constantFrom(...places),
          fc.oneof(
            fc.constant(Buffer.alloc(0)),
            fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
            fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n).map((count) => long(count)),
          ),
          async (type, place, bytes) => {
            const schema = otherEnvelope((root) => {
              const metric = branchesOf(root)[0] as unknown as {
                fields: { name: string; type: unknown }[];
              };
              if (place === 'envelope')
                root.fields.unshift({ name: 'x', doc: '', type: type as never });
              else if (place === 'metric') metric.fields.unshift({ name: 'x', type });
              else
                for (const field of metric.fields) if (field.name === 'metadata') field.type = type;
            });
            const outcome = await within(() =>
              seenOf(decoderOf, schema, Buffer.concat([bytes, good])),
            );
            expect(['billable', 'dead_letter']).toContain(outcome.kind);
          },
        ),
        { numRuns: 500 },
      );
    });
  });

  test('a map of a gigantic count where we read one is refused', async () => {
    const bytes = Buffer.concat([string('call'), long(0), long(2n ** 60n), Buffer.alloc(50)]);
    expect(await within(() => seenOf(decoderOf, ours, bytes))).toMatchObject({
      reason: 'undecodable',
    });
  });
}
