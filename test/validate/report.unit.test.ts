import { expect, test } from 'vitest';
import type { ReportedModelUsage } from '../../src/livekit/types.ts';
import { NO_USAGE } from '../../src/livekit/usage-columns.ts';
import { ALL_UTF8 } from '../../src/records/agent-event.ts';
import { MAX_REPORTED_MODELS } from '../../src/validate/report-problem.ts';
import { validate } from '../../src/validate/validate.ts';

const usage = (fields: Partial<ReportedModelUsage> = {}): ReportedModelUsage => ({
  ...NO_USAGE,
  type: 'llm_usage',
  provider: 'openai',
  model: 'gpt',
  ...fields,
});

function problemOf(
  model_usage: ReportedModelUsage[],
  { timestamp = 1_795_000_000, notUtf8 = ALL_UTF8 } = {},
): string | undefined {
  const metric = { type: 'session_usage_report' as const, timestamp, model_usage };
  const event = { sessionId: 'call', accountId: null, attributes: {}, notUtf8, metric };
  const validated = validate(event);
  if (!validated.valid) return validated.detail;
  expect(validated.values).toBe(undefined);
  return undefined;
}

test('a session report is fit, with models and without, and of a kind of usage that is new', () => {
  expect(problemOf([])).toBe(undefined);
  expect(problemOf([usage(), usage({ type: 'new_usage', audio_duration: 1e300 })])).toBe(undefined);
  expect(problemOf(Array(MAX_REPORTED_MODELS).fill(usage()))).toBe(undefined);
});

test.each<[string, Partial<ReportedModelUsage>]>([
  ['input_tokens is -1; expected 0 to 2^53-1', { input_tokens: -1 }],
  ['total_requests is 9007199254740992; expected 0 to 2^53-1', { total_requests: 2 ** 53 }],
  ['audio_duration is NaN; expected a finite number of seconds', { audio_duration: Number.NaN }],
  ['session_duration is -0.5; expected a finite number', { session_duration: -0.5 }],
  ['model holds U+0000', { model: 'a\0b' }],
  ['provider is not well-formed Unicode', { provider: '\ud800' }],
  ['type has 1025 characters; expected at most 1024', { type: 'x'.repeat(1_025) }],
])('a report whose element says %s is refused', (problem, fields) => {
  expect(problemOf([usage(), usage(fields)])).toContain(`model_usage[1].${problem}`);
});

test('a report of too many models, of no moment, or with bytes that are not UTF-8 is refused', () => {
  expect(problemOf(Array(MAX_REPORTED_MODELS + 1).fill(usage()))).toContain(
    'model_usage has 1001 elements; expected at most 1000',
  );
  expect(problemOf([], { timestamp: Number.POSITIVE_INFINITY })).toContain('timestamp is Infinity');
  expect(problemOf([], { notUtf8: ['model'] })).toContain('model is not well-formed Unicode');
});
