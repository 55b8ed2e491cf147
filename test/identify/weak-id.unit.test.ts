import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isWeakId, isWeakIdAt } from '../../src/identify/weak-id.ts';

/** Both ways to ask, which must agree. */
function isWeak(id: string): boolean {
  const weak = isWeakId(id);
  const bytes = Buffer.from(`0a-7${id}7-a0`, 'latin1');
  expect(isWeakIdAt(bytes, 4, 4 + id.length), id).toBe(weak);
  return weak;
}

/** In the form of those that each provider, or its plugin, sends. */
const STRONG: [provider: string, id: string][] = [
  ['OpenAI chat', 'chatcmpl-B9MBs8CjcvOU2jLn4n570S5qMJKcT'],
  ['OpenAI responses', 'resp_67ccd2bed1ec8190b14f964abc0542670bb6a6b452d3795b'],
  ['OpenAI realtime', 'resp_BGXy2ORaYwTmYPXzD5HQ1'],
  ['OpenAI realtime event', 'event_BGXy3FcgP4lE9fD1sQ0aR'],
  ['Groq, vLLM', 'chatcmpl-f51b2cd2-bef7-417e-964e-a08f0b513c22'],
  ['llama.cpp', 'chatcmpl-T0jBd1qXmQ8Vn2bO9rLk7sWeYhUiCp45'],
  ['text-generation-webui', 'chatcmpl-1764231903214563840'],
  ['Anthropic', 'msg_01XFDUDYJgAACzvnptvVoYEL'],
  ['Anthropic request', 'req_011CSHoEeqs5C35K2UUqR7Fy'],
  ['Gemini', 'x9fXaP2oDcGEnsEPk7mDwQ8'],
  ['Gemini, with separators', 'aB-dE_gHiJkLm-NoPqRs_7'],
  ['Gemini realtime', 'GR_4f1a09c2be77'],
  ['Mistral', 'cmpl-e5cc70bb28c444948073e77776eb30ef'],
  ['Together', 'o8cVQ4f-2kFHot-99a1b2c3d4e5f678'],
  ['OpenRouter', 'gen-1732612345-AbCdEfGhIjKlMnOpQrSt'],
  ['Zhipu', '8313807536837492492'],
  ['Bedrock', '7d3ae2c8-7c3f-4bd0-a7d1-6a4ffdeb3de5'],
  ['Azure Speech', '0f4e3c2b1a09487f8d6c5b4a39281706'],
  ['Deepgram', '2d9b1c4e-5a67-4f13-9c0e-8b7a6d5e4f32'],
  ['Deepgram, request id', 'a847f427-4ad5-4d67-9b95-db801e58251c'],
  ['Cartesia', '5f3c9a1e2b7d'],
  ['Cartesia context', 'e6b1a9f0-0f5d-4c3e-8f57-0d2f6f1c9a10'],
  ['ElevenLabs', '9BqNbdZbTjYLpnN5QPq1'],
  ['AssemblyAI', '4e4f1c8a-9d52-4b3a-8e77-7f20c1a9b6d5'],
  ['LiveKit inference, STT', 'stt_request_0c1d2e3f4a5b'],
  ['LiveKit inference, TTS', 'tts_request_9a8b7c6d5e4f'],
  ['LiveKit shortuuid', 'item_4f1a09c2be77'],
  ['LiveKit shortuuid of digits', 'item_123456789012'],
  ['LiveKit shortuuid, digits at its end', 'GR_abc123456789'],
  ['LiveKit room', 'RM_uNb9XcVq7LmP'],
  ['a ULID', '01JDQ3V4K5M6N7P8Q9R0S1T2V3'],
  ['a nanoid', 'V1StGXR8_Z5jdHi6B-myT'],
  ['a time in milliseconds', '1764231903214'],
  ['a word', 'same'],
  ['a long word', 'x'.repeat(300)],
  ['words', 'not again'],
  ['a number that is too long', '7'.repeat(65)],
];

const WEAK = [
  ...['chatcmpl-7', 'chatcmpl-0', 'chatcmpl-998', 'chatcmpl-', 'chatcmpl-None', 'chatcmpl_null'],
  ...[
    '7',
    '42',
    '0',
    '00',
    '-1',
    '#3',
    '12345678901',
    'req_12',
    'req7',
    'Turn 3',
    'LLM:request:17',
  ],
  ...['completion-1764231903', '1764231903', 'my-own-local-model-server-7'],
  ...['', ' ', '-', 'unknown', 'Unknown', 'session_close', 'None', 'none', 'null', 'NULL', 'nil'],
  ...[
    'undefined',
    'NaN',
    'N/A',
    '<nil>',
    '(null)',
    '"null"',
    '[object Object]',
    'request-undefined',
  ],
  ...['00000000-0000-0000-0000-000000000000', 'chatcmpl-00000000000000000000000000000000'],
  'réponse-7',
];

test.each(STRONG)('an id of %s is strong: %s', (_, id) => {
  expect(isWeak(id)).toBe(false);
});

test.each(WEAK)('%j is weak', (id) => {
  expect(isWeak(id)).toBe(true);
});

const prefix = fc.stringMatching(/^(?:[a-z]{1,8}[-_:./ #]){0,3}$/);

describe('after any prefix of words', () => {
  test('a number of up to 11 digits is weak, and a longer one strong', () => {
    const digits = fc.stringMatching(/^[0-9]{1,20}$/);
    fc.assert(
      fc.property(prefix, digits, (before, number) => {
        const expected = number.length < 12 || /^0+$/.test(number);
        expect(isWeak(before + number)).toBe(expected);
      }),
    );
  });

  test('a word for nothing is weak, in any case', () => {
    const word = fc.constantFrom('', 'none', 'null', 'nil', 'undefined', 'unknown', 'nan');
    fc.assert(
      fc.property(prefix, word, fc.boolean(), (before, nothing, isUpper) => {
        expect(isWeak(before + (isUpper ? nothing.toUpperCase() : nothing))).toBe(true);
      }),
    );
  });

  test('a token of 12 alphanumeric characters or more is strong, unless it is zeros', () => {
    const token = fc.stringMatching(/^[0-9a-zA-Z]{12,30}$/);
    fc.assert(
      fc.property(prefix, token, (before, random) => {
        fc.pre(!/^0+$/.test(random));
        expect(isWeak(before + random)).toBe(false);
      }),
    );
  });
});

test('no UUID is weak, and hardly a random token with separators', () => {
  fc.assert(fc.property(fc.uuid({ version: [1, 4, 7] }), (id) => !isWeak(id)));
  let weak = 0;
  for (let i = 0; i < 100_000; i += 1) {
    // As long as a response id of Gemini.
    const digest = createHash('sha256').update(String(i)).digest();
    if (isWeakId(digest.toString('base64url', 0, 16))) weak += 1;
  }
  expect(weak).toBeLessThanOrEqual(1);
});

test('both ways agree on any ASCII text', () => {
  const part = fc.oneof(
    fc.string({ unit: 'binary-ascii', maxLength: 14 }),
    fc.stringMatching(/^[0-9]{0,13}$/),
    fc.constantFrom('-', '_', 'null', 'chatcmpl-', '0'.repeat(12)),
  );
  fc.assert(
    fc.property(fc.array(part, { maxLength: 5 }), (parts) => {
      isWeak(parts.join(''));
    }),
    { numRuns: 5_000 },
  );
});

test('a long id made to be matched slowly is judged at once', () => {
  const before = performance.now();
  for (const text of ['-', 'a-', '0-', 'A', 'null-']) isWeakId(`${text.repeat(500_000)}\0x`);
  for (const text of ['-', 'a-', '0-', 'A', 'a']) isWeakId(`${text.repeat(64).slice(0, 62)}é`);
  expect(performance.now() - before).toBeLessThan(500);
});
