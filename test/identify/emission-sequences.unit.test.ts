import { expect, test } from 'vitest';
import type { BillableMetric } from '../../src/identify/identity.ts';
import { hexOf, llm, realtime, stt } from './samples.ts';

/** What plugins emit in a row, as read in their sources: each is an emission of its own. */

const at = (seconds: number) => 1_790_000_000.125 + seconds;
const none = {
  input_token_details: {
    ...realtime().input_token_details,
    ...{ audio_tokens: 0, text_tokens: 0, image_tokens: 0, cached_tokens: 0 },
    cached_tokens_details: null,
  },
  output_token_details: { text_tokens: 0, audio_tokens: 0, image_tokens: 0 },
};

const gptLiveSeconds = (timestamp: number, session_duration: number) =>
  realtime({
    ...none,
    ...{ request_id: 'sess_BGXy2ORaYwTmYPXzD5HQ1', timestamp, session_duration },
    ...{ duration: 0, ttft: -1, input_tokens: 0, output_tokens: 0, total_tokens: 0 },
  });
const transcription = (id: string, fields: object) =>
  stt({ request_id: `event_${id}`, duration: 0, audio_duration: 0, ...fields });
const gemini = (input_tokens: number, output_tokens: number, fields: object = {}) =>
  realtime({
    ...{ request_id: 'GR_4f1a09c2be77', timestamp: at(0), input_tokens, output_tokens },
    ...{ total_tokens: input_tokens + output_tokens, ...fields },
  });

const SEQUENCES: Record<string, readonly BillableMetric[]> = {
  'GPT-Live: the seconds since the report before, under the id of the session': [
    gptLiveSeconds(at(10), 10),
    gptLiveSeconds(at(20), 10),
    gptLiveSeconds(at(30), 10.5),
    // The session closes: nothing since the last report.
    gptLiveSeconds(at(30.25), 0),
  ],
  'GPT-Live: responses of the backend': [
    llm({ request_id: 'resp_67ccd2bed1ec8190', timestamp: at(1), duration: 0, ttft: -1 }),
    llm({ request_id: 'resp_67ccd2bed1ec8191', timestamp: at(1), duration: 0, ttft: -1 }),
    llm({ request_id: '', timestamp: at(2), duration: 0, ttft: -1 }),
    llm({ request_id: '', timestamp: at(3), duration: 0, ttft: -1 }),
  ],
  'OpenAI realtime: transcriptions, billed by tokens or by seconds': [
    transcription('BGXy3FcgP4lE9', { input_tokens: 12, output_tokens: 4 }),
    transcription('BGXy4AbcP4lE9', { input_tokens: 12, output_tokens: 4 }),
    transcription('BGXy5DefP4lE9', { audio_duration: 2.5 }),
  ],
  'Gemini: several reports of one generation, which has one id and one time': [
    gemini(120, 0, { duration: 0.5 }),
    gemini(120, 40, { duration: 1 }),
    gemini(120, 90, { duration: 1.5 }),
  ],
  'AWS: parts of one response': [10, 20, 30].map((input_tokens, i) =>
    realtime({ request_id: 'aws-8b7a6d5e4f32', timestamp: at(i), input_tokens }),
  ),
  'xAI: a session that is billed by time, closed and opened again': [
    realtime({ request_id: 'session_close', timestamp: at(60), session_duration: 60 }),
    realtime({ request_id: 'session_close', timestamp: at(120), session_duration: 60 }),
  ],
};

test.each(Object.entries(SEQUENCES))('%s', (_, emissions) => {
  const identities = emissions.map((metric) => hexOf(metric).identity);
  expect(new Set(identities).size).toBe(emissions.length);
  expect(emissions.map((metric) => hexOf(structuredClone(metric)).identity)).toEqual(identities);
});

test('a report of Gemini that repeats all counts is a conflict, for a person to decide', () => {
  const [first, again] = [hexOf(gemini(120, 90)), hexOf(gemini(120, 90, { duration: 2.5 }))];
  expect(again.identity).toBe(first.identity);
  expect(again.fingerprint).not.toBe(first.fingerprint);
});
