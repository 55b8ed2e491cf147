import { describe, expect, test } from 'vitest';
import { sessionBatchesOf } from '../../src/ledger/session-batch.ts';
import { BatchUsage } from '../../src/ledger/usage-delta.ts';
import { BinaryValues } from '../../src/postgres/binary-values.ts';
import type { Message } from '../../src/records/message.ts';
import { interruption, llm, stt, tts } from '../identify/samples.ts';
import { elementsOf } from '../support/binary-array.ts';
import { billable, ignored } from './messages.ts';

const MAX = Number.MAX_SAFE_INTEGER;

/** The usage of messages that are all fresh; arrays as their elements, of which null is empty. */
function usage(...messages: Message[]) {
  const batch = new BatchUsage();
  for (const { sessionId, billable: fresh } of sessionBatchesOf(messages)) {
    if (fresh.length > 0) batch.add(sessionId, fresh);
  }
  const parameters = batch.parameters(new BinaryValues(16));
  if (parameters === undefined) return undefined;
  return Object.fromEntries(
    Object.entries(parameters).map(([name, array]) => [
      name,
      Buffer.isBuffer(array) ? elementsOf(array).join(' | ') : array,
    ]),
  );
}

describe('what a batch adds to the usage of sessions', () => {
  test('is nothing without a fresh event', () => {
    expect(usage()).toBeUndefined();
    expect(usage(ignored({}))).toBeUndefined();
    expect(new BatchUsage().parameters(new BinaryValues(16))).toBeUndefined();
  });

  test('is a row for each session, kind, provider and model', () => {
    const other = { model_name: 'model', model_provider: 'a|b' };
    const added = usage(
      billable(llm({ metadata: null })),
      billable(llm()),
      billable(stt()),
      billable(llm({ metadata: other })),
      billable(llm({ prompt_tokens: 1 })),
      billable(llm(), { sessionId: 'other "call"' }),
    );
    expect(added).toMatchObject({
      sessionIds: 'call | call | call | call | other "call"',
      usageTypes: 'llm_usage | llm_usage | stt_usage | llm_usage | llm_usage',
      providers: ' | provider | provider | a|b | provider',
      models: ' | model | model | model | model',
      eventCounts: '1 | 2 | 1 | 1 | 1',
      input_tokens: '100 | 101 |  | 100 | 100',
      output_tokens: '10 | 20 |  | 10 | 10',
      audio_duration: ' |  | 5.05 |  | ',
    });
  });

  test('spans the times of the events of the row', () => {
    const added = usage(
      billable(llm(), { eventUs: 500 }),
      billable(llm(), { eventUs: 100 }),
      billable(llm(), { eventUs: 900 }),
      ignored({ eventUs: 1 }),
    );
    expect(added).toMatchObject({ firstUs: '100', lastUs: '900' });
    expect(usage(billable(llm(), { eventUs: 0 }))).toMatchObject({ firstUs: '0', lastUs: '0' });
  });

  test('is exact: counts beyond 2^53, seconds to the last digit', () => {
    const added = usage(
      billable(llm({ prompt_tokens: MAX })),
      billable(llm({ prompt_tokens: MAX })),
      billable(llm({ prompt_tokens: 1 })),
      billable(tts({ audio_duration: 0.1 })),
      billable(tts({ audio_duration: 0.2 })),
    );
    expect(added).toMatchObject({
      input_tokens: '{18014398509481983,0}',
      audio_duration: ' | 0.3',
    });
  });

  test('is exact for ordinary seconds together with very small ones', () => {
    const seconds = [0.1, 1e-20, 0.2].map((audio_duration) => tts({ audio_duration }));
    const added = usage(...seconds.map((metric) => billable(metric)));
    expect(added).toMatchObject({ audio_duration: '0.30000000000000000001' });
    const smallest = `0.1${'0'.repeat(322)}5`;
    expect(
      usage(billable(tts({ audio_duration: 0.1 })), billable(tts({ audio_duration: 5e-324 }))),
    ).toMatchObject({
      audio_duration: smallest,
    });
  });

  test('passes a sum beyond bigint to Postgres, which refuses it', () => {
    const messages = Array.from({ length: 1_100 }, () => billable(llm({ prompt_tokens: MAX })));
    expect(usage(...messages)).toMatchObject({ input_tokens: `{${BigInt(MAX) * 1_100n}}` });
  });

  test('has no array for a column to which nothing is added', () => {
    const added = usage(billable(interruption()), billable(tts({ audio_duration: -0 })));
    expect(added).toMatchObject({
      total_requests: '4 | ',
      characters_count: ' | 42',
      audio_duration: null,
      session_duration: null,
      input_tokens: null,
    });
  });
});
