import { readFileSync } from 'node:fs';
import avsc from 'avsc';
import { expect, test } from 'vitest';
import { loadEnvelopeSchema } from '../../../src/schemas/load.ts';
import { encode, frame, SCHEMA_TEXT } from '../src/wire.ts';

const EVENT = avsc.Type.forSchema(JSON.parse(SCHEMA_TEXT) as avsc.Schema, { wrapUnions: true });

test('the schemas that the emitters bring along are those of schemas/', () => {
  expect(JSON.parse(SCHEMA_TEXT)).toEqual(loadEnvelopeSchema());
  const python = new URL(
    '../../python/src/usage_ledger_emitter/agent_metrics_event.avsc',
    import.meta.url,
  );
  expect(JSON.parse(readFileSync(python, 'utf8'))).toEqual(loadEnvelopeSchema());
});

test('what is not given is empty, zero or null', () => {
  const { body, unknown } = encode('llm_metrics', { request_id: 'r' }, 's', null, {});
  expect(unknown).toEqual([]);
  expect(EVENT.fromBuffer(body)).toMatchObject({
    session_id: 's',
    account_id: null,
    metric: {
      'usage_ledger.LLMMetrics': {
        request_id: 'r',
        label: '',
        prompt_tokens: 0,
        cancelled: false,
        speech_id: null,
        metadata: null,
        reasoning_tokens: 0,
      },
    },
  });
});

test('records within records are complete', () => {
  const details = { audio_tokens: 3, cached_tokens_details: { audio_tokens: 2 } };
  const metric = { request_id: 'r', input_token_details: details, metadata: { model_name: 'm' } };
  const { body } = encode('realtime_model_metrics', metric, 's', 'a', { k: 'v' });
  expect(EVENT.fromBuffer(body)).toMatchObject({
    account_id: { string: 'a' },
    metric: {
      'usage_ledger.RealtimeModelMetrics': {
        input_token_details: {
          audio_tokens: 3,
          cached_tokens_details: {
            'usage_ledger.CachedTokenDetails': { audio_tokens: 2, text_tokens: 0 },
          },
        },
        output_token_details: { text_tokens: 0 },
        metadata: {
          'usage_ledger.Metadata': { model_name: { string: 'm' }, model_provider: null },
        },
      },
    },
  });
});

test('fields that the schema does not have are named, also within records', () => {
  const metric = { tokens_of_2027: 1, metadata: { region: 'eu' } };
  expect(encode('stt_metrics', metric, 's', null, {}).unknown).toEqual([
    'STTMetrics.tokens_of_2027',
    'Metadata.region',
  ]);
});

test('an unknown type and a value that does not fit are errors', () => {
  expect(() => encode('future', {}, 's', null, {})).toThrow("unknown metric type 'future'");
  expect(() => encode('vad_metrics', { inference_count: 1.5 }, 's', null, {})).toThrow('invalid');
});

test('the frame is that of Confluent', () => {
  expect(frame(258, Buffer.from('xy'))).toEqual(Buffer.from([0, 0, 0, 1, 2, 120, 121]));
});
