import { describe, expect, test } from 'vitest';
import type { ConsumedRecord } from '../../../src/records/consumed-record.ts';
import { loadEnvelopeSchema, loadMetricSchema } from '../../../src/schemas/load.ts';
import { llm, stt, vad } from '../../identify/samples.ts';
import { envelope, written } from '../avro/wire.ts';
import { type DecoderOf, seenOf } from './seen.ts';

const ours = loadEnvelopeSchema();

/** Which session a record is of, and what it is without one. */
export function describeSessions(decoderOf: DecoderOf): void {
  describe('a metric without an envelope', () => {
    const schema = loadMetricSchema('STTMetrics');
    const of = (fields: Partial<ConsumedRecord>) =>
      seenOf(decoderOf, schema, written(schema, { ...stt() }), fields);
    const header = (session_id: Buffer | string | (Buffer | string)[]) => ({
      headers: { session_id },
    });
    const key = Buffer.from('key-session');

    test('is of the session in its header, before that of its key', async () => {
      expect(await of({ key, ...header(Buffer.from('é')) })).toMatchObject({
        kind: 'billable',
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
    ])('takes as its session, of a header that is %s', async (_, value, sessionId) => {
      expect(await of({ key, ...header(value) })).toMatchObject({ sessionId });
    });

    test('is of the session of its key when there is no header', async () => {
      for (const session of ['key-session', '通话', 'a\uFFFD']) {
        expect(await of({ key: Buffer.from(session) })).toMatchObject({ sessionId: session });
      }
    });

    test('is invalid_value when its key or its header is not UTF-8', async () => {
      const bad = Buffer.from([0x61, 0xff]);
      for (const fields of [{ key: bad }, header(bad), header('\uD800')]) {
        expect(await of(fields)).toMatchObject({
          reason: 'invalid_value',
          detail: 'session_id is not well-formed Unicode (UTF-8)',
        });
      }
    });
  });

  describe('missing_session_id', () => {
    test.each([null, Buffer.alloc(0)])(
      'is the reason for a metric without an envelope whose key is %j',
      async (key) => {
        const schema = loadMetricSchema('VADMetrics');
        expect(await seenOf(decoderOf, schema, written(schema, { ...vad() }), { key })).toEqual({
          kind: 'dead_letter',
          reason: 'missing_session_id',
          detail: 'the header session_id or key is empty or absent',
          schemaId: 7,
        });
      },
    );

    test('is the reason for an envelope with an empty one, whatever its key says', async () => {
      const payload = written(ours, envelope(llm(), { session_id: '' }));
      expect(await seenOf(decoderOf, ours, payload, { key: Buffer.from('key') })).toMatchObject({
        reason: 'missing_session_id',
        detail: 'the session_id is empty or absent',
      });
    });
  });
}
