import { describe, expect, test } from 'vitest';
import { schemaIdsOf } from '../../../src/decode/avro/decode.ts';
import { SchemaCache } from '../../../src/decode/avro/schema-cache.ts';
import type { BillableMessage } from '../../../src/records/message.ts';
import { packRecords, RecordBlock } from '../../../src/records/record-block.ts';
import { loadEnvelopeSchema } from '../../../src/schemas/load.ts';
import { eou, interruption, llm, realtime, stt, tts, vad } from '../../identify/samples.ts';
import { envelope, framed, recordWith, schemasOf, written } from '../avro/wire.ts';
import { type DecoderOf, seen, seenOf } from './seen.ts';

const ours = loadEnvelopeSchema();
const schemas = await schemasOf(ours);
const good = written(ours, envelope(llm()));

/** A cache whose registry must not be asked. */
const unasked = () =>
  new SchemaCache((id) => {
    throw new Error(`the registry was asked for ${id}`);
  });

/** Which message each sort of record becomes, and with which reason. */
export function describeOutcomes(decoderOf: DecoderOf): void {
  const ofValue = (value: Buffer | null) => seen(decoderOf, recordWith(value), schemas);
  const ofMetric = (metric: Parameters<typeof envelope>[0], others = {}, fields = {}) =>
    seenOf(decoderOf, ours, written(ours, envelope(metric, others)), fields);

  describe('a billed metric', () => {
    test.each([llm(), realtime(), stt(), tts(), interruption()])(
      'of each type is billable, with all that it says: $type',
      async (metric) => {
        const others = { session_id: 'room-é', account_id: 'acme', attributes: { plan: 'pro' } };
        expect(await ofMetric(metric, others)).toEqual({
          kind: 'billable',
          schemaId: 7,
          sessionId: 'room-é',
          accountId: 'acme',
          attributes: { plan: 'pro' },
          eventUs: 1_760_000_000_250_000,
          metric,
        });
      },
    );

    test('has the time of its record when its own is a monotonic clock', async () => {
      const fields = { timestamp: 1_759_000_000_500 };
      const eventUs = 1_759_000_000_500_000;
      expect(await ofMetric(realtime({ timestamp: 5_400.125 }), {}, fields)).toMatchObject({
        kind: 'billable',
        eventUs,
      });
    });

    test('is of the session in its value, whatever key and header say', async () => {
      const fields = { key: Buffer.from('key'), headers: { session_id: Buffer.from('header') } };
      expect(await ofMetric(llm(), {}, fields)).toMatchObject({ sessionId: 'call' });
    });
  });

  test.each([vad(), eou()])('$type is ignored, with its session', async (metric) => {
    expect(await ofMetric(metric, { account_id: 'acme', attributes: { a: '1' } })).toEqual({
      kind: 'ignored',
      sessionId: 'call',
      accountId: 'acme',
      attributes: { a: '1' },
      eventUs: 1_760_000_000_250_000,
    });
  });

  test('a tombstone is ignored, without a session, and an empty value is not one', () => {
    expect(ofValue(null)).toEqual({ kind: 'ignored' });
    expect(ofValue(Buffer.alloc(0)).kind).toBe('dead_letter');
  });

  test('attributes named `__proto__` are kept as they are', async () => {
    const attributes = JSON.parse('{"__proto__":"x","a":"1"}');
    const { attributes: kept } = await ofMetric(llm(), { attributes });
    expect(JSON.stringify(kept)).toBe('{"__proto__":"x","a":"1"}');
  });

  describe('not_avro_framed', () => {
    test.each([
      ['an empty value', Buffer.alloc(0), '0 bytes: none'],
      ['one byte', Buffer.from('x'), '1 bytes: 78'],
      ['four bytes', Buffer.from([0, 0, 0, 7]), '4 bytes: 00000007'],
      ['JSON', Buffer.from('{"a":1}'), '7 bytes: 7b2261223a'],
      ['another magic byte', Buffer.concat([Buffer.from([1]), good]), '01'],
    ])('is the reason for %s', (_, value, detail) => {
      expect(ofValue(value)).toEqual({
        kind: 'dead_letter',
        reason: 'not_avro_framed',
        schemaId: null,
        detail: expect.stringContaining(detail),
      });
    });
  });

  describe('unknown_schema', () => {
    test.each([0, 0x8000_0000, 0xffff_ffff])(
      'is the reason for id %d, which no registry gives out',
      async (id) => {
        const cache = unasked();
        const record = recordWith(framed(good, id));
        await cache.load(schemaIdsOf([record]));
        const message = { kind: 'dead_letter', reason: 'unknown_schema', schemaId: id };
        expect(seen(decoderOf, record, cache)).toMatchObject(message);
      },
    );

    test('is the reason when the registry has no such schema, with its answer', async () => {
      const detail = 'the registry has no schema 7 (HTTP 404)';
      const answer = { found: false, reason: 'unknown_schema', detail } as const;
      const cache = new SchemaCache(async () => answer);
      await cache.load([7]);
      const message = { kind: 'dead_letter', reason: 'unknown_schema', detail, schemaId: 7 };
      expect(seen(decoderOf, recordWith(framed(good)), cache)).toEqual(message);
    });
  });

  describe('undecodable', () => {
    test('is the reason for every value that ends early', () => {
      for (let length = 5; length < 5 + good.length; length += 1) {
        const value = framed(good).subarray(0, length);
        expect(ofValue(value), `${length} bytes`).toMatchObject({ reason: 'undecodable' });
      }
    });

    test('is the reason for bytes after the event', () => {
      const value = framed(Buffer.concat([good, Buffer.from([0])]));
      expect(ofValue(value)).toMatchObject({ reason: 'undecodable', schemaId: 7 });
    });

    test('is the reason when the registered schema is not an envelope that can be ours', async () => {
      const fields = ours.fields.filter(({ name }) => name !== 'metric');
      expect(await seenOf(decoderOf, { ...ours, fields }, good)).toMatchObject({
        reason: 'undecodable',
        detail: expect.stringContaining('has no field "metric"'),
      });
    });
  });

  test('invalid_value is the reason for a value that may not be billed', async () => {
    expect(await ofMetric(stt({ audio_duration: -1 }))).toEqual({
      kind: 'dead_letter',
      reason: 'invalid_value',
      detail: 'audio_duration is -1; expected a finite number of seconds, not negative',
      schemaId: 7,
    });
  });

  test('a message cannot be read as another one once its block is released', () => {
    const shared = { memory: new SharedArrayBuffer(1), end: 0 };
    const packed = packRecords([recordWith(framed(good))]);
    const block = new RecordBlock({ ...packed, shared }, undefined, () => {});
    const decoder = decoderOf(schemas);
    const message = decoder.decode(block, 0) as BillableMessage;
    expect(decoder.metricOf(message)).toEqual(llm());
    block.release();
    expect(() => decoder.metricOf(message)).toThrow('given back');
    expect(() => message.record.value).toThrow('given back');
    expect(() => decoder.decode(block, 0)).toThrow('given back');
  });

  test('a schema that was not loaded is a bug, not a dead letter', () => {
    const record = recordWith(framed(good));
    expect(() => seen(decoderOf, record, unasked())).toThrow('was not loaded');
  });
}
