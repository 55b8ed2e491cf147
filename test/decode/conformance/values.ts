import { describe, expect, test } from 'vitest';
import { loadEnvelopeSchema } from '../../../src/schemas/load.ts';
import { double, framed, long, recordWith, schemasOf, string } from '../avro/wire.ts';
import { type DecoderOf, seen } from './seen.ts';

const schemas = await schemasOf(loadEnvelopeSchema());

/** An LLM event by hand, with what avsc refuses to write: any long, any bytes as text. */
function llmBytes(given: {
  tokens?: bigint;
  session?: Buffer;
  account?: Buffer;
  request?: Buffer;
  attribute?: Buffer;
  attributeName?: Buffer;
  model?: Buffer;
}) {
  const { tokens = 1n, session = 'call', account, request = 'request' } = given;
  const { attribute = 'value', attributeName = 'key', model } = given;
  return Buffer.concat([
    string(session),
    ...(account === undefined ? [long(0)] : [long(1), string(account)]),
    ...[long(1), string(attributeName), string(attribute), long(0)],
    long(0), // LLMMetrics
    ...[string('label'), string(request), double(1_760_000_000.25), double(1), double(-1)],
    Buffer.from([0]),
    ...[long(2), long(tokens), long(0), long(3), double(1)],
    long(0), // speech_id: null
    ...(model === undefined ? [long(0)] : [long(1), long(1), string(model), long(0)]),
    ...[long(0), long(0)], // cache_creation_tokens, reasoning_tokens
  ]);
}

/** The bounds of what may be billed or stored. */
export function describeValues(decoderOf: DecoderOf): void {
  const of = (given: Parameters<typeof llmBytes>[0]) =>
    seen(decoderOf, recordWith(framed(llmBytes(given))), schemas);

  describe('tokens', () => {
    test.each([0n, 2n ** 31n, 2n ** 53n - 2n, 2n ** 53n - 1n])(
      'of %d are billed exactly',
      (tokens) => {
        expect(of({ tokens })).toMatchObject({ metric: { prompt_tokens: Number(tokens) } });
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
      expect(of({ tokens })).toMatchObject({
        reason: 'invalid_value',
        detail: expect.stringContaining('expected 0 to 2^53-1'),
      });
    });
  });

  describe('text that is not UTF-8', () => {
    const bad = Buffer.from([0x61, 0xff]);

    test.each([
      ['session_id', { session: bad }],
      ['account_id', { account: bad }],
      ['attributes', { attribute: bad }],
      ['attributes', { attributeName: bad }],
      ['request_id', { request: bad }],
      ['model_name', { model: bad }],
    ])('is invalid_value: %s', (name, bytes) => {
      expect(of(bytes)).toMatchObject({
        reason: 'invalid_value',
        detail: `${name} is not well-formed Unicode (UTF-8)`,
      });
    });

    test('differs from a genuine U+FFFD, which is kept', () => {
      const session = Buffer.from('a\uFFFD');
      expect(of({ session, request: session })).toMatchObject({
        sessionId: 'a\uFFFD',
        metric: { request_id: 'a\uFFFD' },
      });
    });
  });
}
