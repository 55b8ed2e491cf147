import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { canonicalForm } from '../../src/identify/canonical-form.ts';
import { identityPlan } from '../../src/identify/identity.ts';
import type { AgentMetrics } from '../../src/livekit/types.ts';
import { hexOf, interruption, llm, realtime, stt, tts } from './samples.ts';

const formOf = (metric: object) =>
  Buffer.from(canonicalForm(metric as AgentMetrics)).toString('hex');

test('names and values stand in it in binary, in the order of the names', () => {
  const u32 = (n: number) => Buffer.from(new Uint32Array([n]).buffer);
  const text = (value: string) => Buffer.concat([u32(value.length), Buffer.from(value)]);
  const name = (value: string) => Buffer.concat([Buffer.from([value.length]), Buffer.from(value)]);
  const double = (value: number) => Buffer.from(new Float64Array([value]).buffer);
  const tag = (value: number) => Buffer.from([value]);
  const expected = Buffer.concat([
    text('interruption_metrics'),
    ...[name('detection_delay'), tag(1), double(0.2)],
    ...[name('metadata'), tag(5), name('model_name'), tag(4), text('m'), tag(0)],
    ...[name('num_backchannels'), tag(2), double(0)],
    ...[name('num_interruptions'), tag(2), double(1)],
    ...[name('num_requests'), tag(2), double(4)],
    ...[name('prediction_duration'), tag(1), double(0.05)],
    ...[name('timestamp'), tag(1), double(1.5)],
    ...[name('total_duration'), tag(1), double(0.1)],
    tag(0),
  ]);
  const metadata = { model_name: 'm', model_provider: null };
  expect(formOf(interruption({ timestamp: 1.5, metadata }))).toBe(expected.toString('hex'));
});

describe('it is not changed by', () => {
  test('a field that a later schema adds, which is not of our plan', () => {
    expect(formOf({ ...llm(), later: 1 })).toBe(formOf(llm()));
  });

  test('a default that is written out or left for the reader to fill in', () => {
    const { acquire_time, connection_reused, input_tokens, ...older } = stt({ metadata: null });
    expect([acquire_time, connection_reused, input_tokens]).toEqual([0, false, 0]);
    // What the reader does for a field that an older writer does not have.
    const filledIn = { ...older, acquire_time: 0, connection_reused: false, input_tokens: 0 };
    expect(formOf(filledIn)).toBe(formOf(stt({ metadata: null })));
    expect(formOf(stt())).not.toContain(Buffer.from('acquire_time').toString('hex'));
  });

  test('the order of the fields in the object', () => {
    const reversed = Object.fromEntries(Object.entries(realtime()).reverse());
    expect(formOf(reversed)).toBe(formOf(realtime()));
  });

  test('speech_id', () => {
    expect(formOf(tts({ speech_id: 'late' }))).toBe(formOf(tts()));
  });
});

describe('it distinguishes', () => {
  test('a record of defaults from none', () => {
    const details = { ...realtime().input_token_details, cached_tokens_details: null };
    const zeros = { audio_tokens: 0, text_tokens: 0, image_tokens: 0 };
    const none = formOf(realtime({ input_token_details: details }));
    const zero = formOf(
      realtime({ input_token_details: { ...details, cached_tokens_details: zeros } }),
    );
    expect(zero).not.toBe(none);
  });

  test('an empty text from null', () => {
    expect(formOf(tts({ segment_id: '' }))).not.toBe(formOf(tts({ segment_id: null })));
  });

  test('the same text in another field', () => {
    const inModel = llm({ metadata: { model_name: 'x', model_provider: null } });
    const inProvider = llm({ metadata: { model_name: null, model_provider: 'x' } });
    expect(formOf(inModel)).not.toBe(formOf(inProvider));
  });

  test('neighbouring doubles', () => {
    expect(formOf(llm({ duration: 0.1 + 0.2 }))).not.toBe(formOf(llm({ duration: 0.3 })));
  });
});

test('a label of any length fits, and does not corrupt the forms after it', () => {
  const before = formOf(llm());
  const label = '€'.repeat(50_000);
  expect(formOf(llm({ label }))).toContain(Buffer.from(label).toString('hex'));
  expect(formOf(llm())).toBe(before);
});

test('the example in docs/identity.md is what is written and hashed', () => {
  const page = readFileSync(new URL('../../docs/identity.md', import.meta.url), 'utf8');
  const [, block = ''] = page.split('```');
  // Each line is bytes, then what they mean.
  const bytes = block.split('\n').map((line) => (line.split(/ {3,}/)[0] ?? '').replaceAll(' ', ''));
  const segment = tts({ request_id: 'tts_4f1a09c2be77', segment_id: 's1' });
  const form = canonicalForm(segment, identityPlan('tts_metrics')).toString('hex');
  expect(form).toBe(bytes.join(''));
  expect(page).toContain(`begins with \`${hexOf(segment).identity}\``);
});
