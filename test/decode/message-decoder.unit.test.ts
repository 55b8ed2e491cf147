import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { schemaIdsOf } from '../../src/decode/avro/decode.ts';
import { identify } from '../../src/identify/identity.ts';
import { usageValues } from '../../src/livekit/usage-of.ts';
import { loadEnvelopeSchema, loadMetricSchema } from '../../src/schemas/load.ts';
import { llm, realtime, stt, vad } from '../identify/samples.ts';
import { prepareRecord, valuesOf } from '../support/messages.ts';
import {
  double,
  envelope,
  framed,
  long,
  recordWith,
  schemasOf,
  string,
  written,
} from './avro/wire.ts';

const ours = loadEnvelopeSchema();
const schemas = await schemasOf(ours);
const prepared = (payload: Buffer, fields = {}) =>
  prepareRecord(recordWith(framed(payload), fields), schemas);

/** An LLM event by hand, with what avsc refuses to write: any long, any bytes as text. */
function llmBytes(given: {
  tokens?: bigint;
  session?: Buffer;
  request?: Buffer;
  attribute?: Buffer;
}) {
  const { tokens = 1n, session = 'call', request = 'request', attribute = 'value' } = given;
  return Buffer.concat([
    string(session),
    long(0), // account_id: null
    ...[long(1), string('key'), string(attribute), long(0)],
    long(0), // LLMMetrics
    ...[string('label'), string(request), double(1_760_000_000.25), double(1), double(-1)],
    Buffer.from([0]),
    ...[long(2), long(tokens), long(0), long(3), double(1)],
    ...[long(0), long(0)],
  ]);
}

describe('a record becomes', () => {
  test('billable: with its usage, its identity and its time', () => {
    const message = prepared(written(ours, envelope(llm(), { account_id: 'acme' })));
    expect(valuesOf(message)).toEqual(usageValues(llm()));
    expect(message).toMatchObject({
      kind: 'billable',
      schemaId: 7,
      sessionId: 'call',
      accountId: 'acme',
      eventUs: 1_760_000_000_250_000,
      metricType: 'llm_metrics',
      requestId: llm().request_id,
      provider: 'provider',
      model: 'model',
      ...identify(llm()),
    });
  });

  test('billable at the time of the record, when the emitter sends a monotonic clock', () => {
    const metric = realtime({ timestamp: 5_400.125 });
    const message = prepared(written(ours, envelope(metric)), { timestamp: 1_759_000_000_500 });
    expect(message).toMatchObject({ kind: 'billable', eventUs: 1_759_000_000_500_000 });
  });

  test('ignored, with its session, when it is not billed', () => {
    expect(prepared(written(ours, envelope(vad())))).toMatchObject({
      kind: 'ignored',
      session: { sessionId: 'call', accountId: null, eventUs: 1_760_000_000_250_000 },
    });
  });

  test('ignored, without a session, when it is a tombstone', () => {
    expect(prepareRecord(recordWith(null), schemas)).toMatchObject({
      kind: 'ignored',
      session: undefined,
    });
  });

  test('a dead letter, with the reason of the step that refused it', () => {
    expect(prepareRecord(recordWith(Buffer.from('x')), schemas)).toMatchObject({
      kind: 'dead_letter',
      reason: 'not_avro_framed',
      schemaId: null,
    });
    expect(prepared(written(ours, envelope(stt({ audio_duration: -1 }))))).toMatchObject({
      kind: 'dead_letter',
      reason: 'invalid_value',
      detail: 'audio_duration is -1; expected a finite number of seconds, not negative',
      schemaId: 7,
    });
  });
});

describe('tokens', () => {
  test.each([0n, 2n ** 31n, 2n ** 53n - 2n, 2n ** 53n - 1n])(
    'of %d are billed exactly',
    (tokens) => {
      expect(valuesOf(prepared(llmBytes({ tokens })))).toContain(Number(tokens));
    },
  );

  test.each([
    2n ** 53n,
    2n ** 53n + 1n,
    2n ** 63n - 1n,
    -1n,
    -(2n ** 52n) - 1n,
    -(2n ** 53n) + 1n,
    -(2n ** 63n),
  ])('of %d are invalid_value', (tokens) => {
    expect(prepared(llmBytes({ tokens }))).toMatchObject({
      reason: 'invalid_value',
      detail: expect.stringContaining('expected 0 to 2^53-1'),
    });
  });
});

describe('text that is not UTF-8', () => {
  const bad = Buffer.from([0x61, 0xff]);

  test.each([
    ['session_id', { session: bad }],
    ['request_id', { request: bad }],
    ['attributes', { attribute: bad }],
  ])('is invalid_value: %s', (name, bytes) => {
    expect(prepared(llmBytes(bytes))).toMatchObject({
      reason: 'invalid_value',
      detail: expect.stringContaining(`${name} is not well-formed Unicode`),
    });
  });

  test('is told from a genuine U+FFFD', () => {
    const session = Buffer.from('a\uFFFD');
    expect(prepared(llmBytes({ session }))).toMatchObject({
      kind: 'billable',
      sessionId: 'a\uFFFD',
    });
  });

  test('as the key of a bare metric is invalid_value too, and a genuine U+FFFD is not', async () => {
    const schema = loadMetricSchema('VADMetrics');
    const bare = await schemasOf(schema);
    const withKey = (key: Buffer) =>
      prepareRecord(recordWith(framed(written(schema, { ...vad() })), { key }), bare);
    expect(withKey(bad)).toMatchObject({ reason: 'invalid_value' });
    expect(withKey(Buffer.from('\uFFFD'))).toMatchObject({ session: { sessionId: '\uFFFD' } });
  });
});

test('attributes named `__proto__` are kept as they are', () => {
  const attributes = JSON.parse('{"__proto__":"x","a":"1"}');
  const message = prepared(written(ours, envelope(llm(), { attributes })));
  expect(message.kind === 'billable' && JSON.stringify(message.attributes)).toBe(
    '{"__proto__":"x","a":"1"}',
  );
});

describe('no record makes it throw', () => {
  test('whatever its bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const payload = Buffer.from(bytes);
        prepared(payload);
        const record = recordWith(payload);
        // An id that the cache was not asked to load is another matter.
        if (schemaIdsOf([record]).size === 0) prepareRecord(record, schemas);
      }),
      { numRuns: 500 },
    );
  });

  test('whichever bytes of a good one are changed', () => {
    const good = written(ours, envelope(realtime(), { attributes: { a: '1' } }));
    const change = fc.tuple(fc.nat(good.length - 1), fc.nat(255));
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => {
        const bytes = Buffer.from(good);
        for (const [at, value] of changes) bytes[at] = value;
        prepared(bytes);
      }),
      { numRuns: 2_000 },
    );
  });
});
