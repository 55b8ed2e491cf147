import { describe, expect, test } from 'vitest';
import { decode, schemaIdsOf } from '../../../src/decode/avro/decode.ts';
import { SchemaCache } from '../../../src/decode/avro/schema-cache.ts';
import { loadEnvelopeSchema, loadMetricSchema } from '../../../src/schemas/load.ts';
import { eou, interruption, llm, realtime, stt, tts, vad } from '../../identify/samples.ts';
import { decoded, envelope, framed, recordWith, schemasOf, written } from './wire.ts';

const ours = loadEnvelopeSchema();
const good = written(ours, envelope(llm()));
const schemas = await schemasOf(ours);
const decodeValue = (value: Buffer | null) => decode(recordWith(value), schemas);

/** A cache whose registry must not be asked. */
const unasked = () =>
  new SchemaCache((id) => {
    throw new Error(`the registry was asked for ${id}`);
  });

describe('an event', () => {
  test.each([llm(), realtime(), stt(), tts(), vad(), eou(), interruption()])(
    'of each kind comes out as it went in: $type',
    async (metric) => {
      const others = { session_id: 'room-é', account_id: 'acme', attributes: { plan: 'pro' } };
      const event = await decoded(ours, written(ours, envelope(metric, others)));
      expect(event).toMatchObject({
        outcome: 'event',
        sessionId: 'room-é',
        accountId: 'acme',
        attributes: { plan: 'pro' },
        schemaId: 7,
        metric,
      });
    },
  );

  test('is of the session in its value, whatever key and header say', async () => {
    const beside = { key: Buffer.from('key'), headers: { session_id: Buffer.from('header') } };
    expect(await decoded(ours, good, beside)).toMatchObject({ sessionId: 'call' });
  });
});

test('a tombstone is told from an empty value', () => {
  expect(decodeValue(null)).toEqual({ outcome: 'tombstone' });
  expect(decodeValue(Buffer.alloc(0)).outcome).toBe('dead_letter');
});

describe('not_avro_framed', () => {
  test.each([
    ['an empty value', Buffer.alloc(0), '0 bytes: none'],
    ['four bytes', Buffer.from([0, 0, 0, 7]), '4 bytes: 00000007'],
    ['JSON', Buffer.from('{"a":1}'), '7 bytes: 7b2261223a'],
    ['another magic byte', Buffer.concat([Buffer.from([1]), good]), '01'],
  ])('is the reason for %s', (_, value, detail) => {
    expect(decodeValue(value)).toMatchObject({
      outcome: 'dead_letter',
      reason: 'not_avro_framed',
      schemaId: null,
      detail: expect.stringContaining(detail),
    });
  });
});

describe('unknown_schema', () => {
  test.each([0, 0x8000_0000, 0xffff_ffff])(
    'is the reason for id %d, which no registry gives out and none is asked for',
    async (id) => {
      const cache = unasked();
      const record = recordWith(framed(good, id));
      await cache.load(schemaIdsOf([record]));
      expect(decode(record, cache)).toMatchObject({ reason: 'unknown_schema', schemaId: id });
    },
  );

  test('is the reason when the registry has no such schema, with its answer', async () => {
    const detail = 'the registry has no schema 7 (HTTP 404)';
    const cache = new SchemaCache(async () => ({ found: false, reason: 'unknown_schema', detail }));
    await cache.load([7]);
    expect(decode(recordWith(framed(good)), cache)).toEqual({
      outcome: 'dead_letter',
      reason: 'unknown_schema',
      detail,
      schemaId: 7,
    });
  });
});

describe('undecodable', () => {
  test('is the reason for every value that is cut short', () => {
    for (let length = 5; length < 5 + good.length; length += 1) {
      const value = framed(good).subarray(0, length);
      expect(decodeValue(value), `${length} bytes`).toMatchObject({ reason: 'undecodable' });
    }
  });

  test('is the reason for bytes behind the event', () => {
    const value = framed(Buffer.concat([good, Buffer.from([0])]));
    expect(decodeValue(value)).toMatchObject({ reason: 'undecodable', schemaId: 7 });
  });

  test('is the reason when the registered schema is not an envelope that can be ours', async () => {
    const strange = { ...ours, fields: ours.fields.filter(({ name }) => name !== 'metric') };
    expect(await decoded(strange, good)).toMatchObject({
      reason: 'undecodable',
      detail: expect.stringContaining('has no field "metric"'),
    });
  });
});

describe('a bare metric', () => {
  const schema = loadMetricSchema('STTMetrics');
  const payload = written(schema, { ...stt() });
  const header = (session_id: Buffer | string | (Buffer | string)[]) => ({
    headers: { session_id },
  });
  const key = Buffer.from('key-session');

  test('is of the session in its header, before that of its key', async () => {
    const event = await decoded(schema, payload, { key, ...header(Buffer.from('é')) });
    expect(event).toMatchObject({
      outcome: 'event',
      sessionId: 'é',
      accountId: null,
      attributes: {},
      metric: stt(),
    });
  });

  test.each([
    ['text', 'one', 'one'],
    ['repeated, the first', [Buffer.from('one'), Buffer.from('two')], 'one'],
    ['empty, the key', Buffer.alloc(0), 'key-session'],
    ['repeated no times, the key', [], 'key-session'],
  ])('takes as its session, of a header that is %s', async (_, value, expected) => {
    expect(await decoded(schema, payload, { key, ...header(value) })).toMatchObject({
      sessionId: expected,
    });
  });

  test('is of the session of its key without a header', async () => {
    expect(await decoded(schema, payload, { key })).toMatchObject({ sessionId: 'key-session' });
  });
});

describe('missing_session_id', () => {
  test.each([null, Buffer.alloc(0)])('is the reason for a bare metric with key %j', async (key) => {
    const schema = loadMetricSchema('VADMetrics');
    expect(await decoded(schema, written(schema, { ...vad() }), { key })).toMatchObject({
      reason: 'missing_session_id',
      detail: 'the header session_id or key is empty or absent',
      schemaId: 7,
    });
  });

  test('is the reason for an envelope with an empty one, whatever its key says', async () => {
    const payload = written(ours, envelope(llm(), { session_id: '' }));
    expect(await decoded(ours, payload, { key: Buffer.from('key') })).toMatchObject({
      reason: 'missing_session_id',
      detail: 'the session_id is empty or absent',
    });
  });
});

test('the ids to be loaded are those of framed values, each once', () => {
  const records = [null, Buffer.alloc(3), framed(good, 9), framed(good, 8), framed(good, 9)];
  expect([...schemaIdsOf(records.map((value) => recordWith(value)))]).toEqual([9, 8]);
});

test('decoding with a schema that was not loaded is a bug, not a dead letter', () => {
  expect(() => decode(recordWith(framed(good)), unasked())).toThrow('was not loaded');
});
