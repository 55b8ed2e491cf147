import { describe, expect, test } from 'vitest';
import type { AgentMetrics } from '../../../src/livekit/types.ts';
import type { AvroRecordSchema } from '../../../src/schemas/avro-schema.ts';
import { loadEnvelopeSchema, loadMetricSchema } from '../../../src/schemas/load.ts';
import { simulateEvents } from '../../../src/simulate/simulate-events.ts';
import { recordedCalls } from '../../../tools/demo/recorded-calls.ts';
import { eou, interruption, llm, realtime, stt, tts, vad } from '../../identify/samples.ts';
import { encoded } from '../../support/messages.ts';
import { envelope, framed, schemasOf, written } from '../avro/wire.ts';
import { agreed } from './agreed.ts';

/**
 * Which records the fast path takes and which it declines. For those that it takes, `agreed` also
 * compares each message with that of the reference.
 */

const ours = loadEnvelopeSchema();

const event = (metric: AgentMetrics, others = {}, schema: AvroRecordSchema = ours) =>
  framed(written(schema, envelope(metric, others)));

describe('it takes', () => {
  test('every recorded call', () => {
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
      expect(agreed(event(metric))).toMatchObject({ values: [tokens, 20, 0, 10, 0] });
    }
  });

  test('ids of any length, and none', () => {
    for (const length of [1, 63, 64, 65, 300]) {
      const request_id = 'x'.repeat(length);
      expect(agreed(event(llm({ request_id })))).toMatchObject({ written: request_id });
    }
    expect(agreed(event(interruption()))).toMatchObject({ written: null });
  });

  test('ids and segments with quotes, backslashes and control characters', () => {
    for (const request_id of ['a"b', 'a\\b', 'a\nb', '\u007f']) {
      expect(agreed(event(llm({ request_id })))).toMatchObject({ requestId: request_id });
      expect(agreed(event(tts({ request_id, segment_id: request_id })))).toBeDefined();
    }
  });

  test('placeholder ids, and ids as long as one', () => {
    for (const request_id of ['', 'unknown', 'session_close', 'unknowx', 'session_clost']) {
      for (const metric of [llm(), tts(), stt(), realtime()]) {
        expect(agreed(event({ ...metric, request_id }))).toMatchObject({ requestId: request_id });
      }
    }
  });
});

describe('it declines', () => {
  test.each([
    ['a tombstone', () => null],
    ['an empty session', () => event(llm(), { session_id: '' })],
    ['a session that is too long', () => event(llm(), { session_id: 's'.repeat(1_025) })],
    ['U+0000 in a session', () => event(llm(), { session_id: 'a\0' })],
    ['U+0000 in a label', () => event(llm({ label: 'a\0' }))],
    ['an id that is not ASCII', () => event(llm({ request_id: 'é' }))],
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
  const of = (fields: Parameters<typeof agreed>[2]) => agreed(value, cache, fields);

  test('is taken with its key as session', () => {
    expect(of({ key: Buffer.from('call') })).toMatchObject({
      sessionId: 'call',
      values: [100, 20, 0, 10, 0],
    });
    expect(of({ key: Buffer.from('通话') })).toMatchObject({ sessionId: '通话' });
  });

  test('is declined when it has a header, or a key that is no valid session', () => {
    const key = Buffer.from('call');
    expect(of({ key, headers: { session_id: Buffer.from('other') } })).toBeUndefined();
    for (const odd of [null, Buffer.alloc(0), Buffer.from([0x61, 0xff]), Buffer.from('a\0')]) {
      expect(of({ key: odd })).toBeUndefined();
    }
    expect(of({ key: Buffer.from('k'.repeat(1_025)) })).toBeUndefined();
  });
});
