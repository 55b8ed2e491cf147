import { Registry } from 'prom-client';
import { expect, test } from 'vitest';
import { CallMetrics } from '../../../src/http/metrics/call-metrics.ts';
import { ModelLabels } from '../../../src/http/metrics/model-labels.ts';
import type { BillableMetric } from '../../../src/identify/identity.ts';
import { measuredValues } from '../../../src/livekit/measured-fields.ts';
import type { Message } from '../../../src/records/message.ts';
import { eou, llm, realtime, stt, tts } from '../../identify/samples.ts';
import { billable, ignored, sessionOf } from '../../ledger/messages.ts';

const NOW = 1_000_000;

function scene(models?: ModelLabels) {
  const registry = new Registry();
  const calls = new CallMetrics(registry, models);
  return {
    /** Commits a batch in which all billable messages are new. */
    commit(messages: readonly Message[], seenBefore = 0) {
      const session = sessionOf(...messages);
      session.outcomes = { fresh: session.billable, conflicting: [], duplicates: 0 };
      const batch = { messages, seenBefore, nextOffset: 1_000 };
      const rest = { deadLetters: [], stepMs: new Map() };
      calls.committed({ batch: batch as never, sessions: [session], ...rest }, NOW);
    },
    async lines(name: string, ending: RegExp) {
      const text = await registry.getSingleMetricAsString(`usage_ledger_${name}`);
      return text
        .split('\n')
        .filter((line) => ending.test(line.split('{')[0]?.split(' ')[0] ?? ''));
    },
  };
}

const message = (metric: BillableMetric, offset = 0) => {
  const made = billable(metric, {}, offset);
  return { ...made, values: [...Array.from(made.values), ...measuredValues(metric)] };
};
const model = { model_name: 'm', model_provider: 'p' };

test('time to first token and rate are counted by provider and model, and -1 is left out', async () => {
  const { commit, lines } = scene();
  commit([
    message(llm({ ttft: 0.4, tokens_per_second: 42, metadata: model })),
    message(llm({ ttft: -1, tokens_per_second: 0, metadata: model })),
    message(realtime({ ttft: 0.2, tokens_per_second: 10, metadata: model })),
    message(stt({ metadata: model })),
  ]);
  const labels = '{provider="p",model="m"}';
  expect(await lines('time_to_first_token_seconds', /_(count|sum)$/)).toEqual([
    `usage_ledger_time_to_first_token_seconds_sum${labels} 0.6000000000000001`,
    `usage_ledger_time_to_first_token_seconds_count${labels} 2`,
  ]);
  expect(await lines('tokens_per_second', /_count$/)).toEqual([
    `usage_ledger_tokens_per_second_count${labels} 2`,
  ]);
});

test('buckets are cumulative, and their bounds inclusive', async () => {
  const { commit, lines } = scene();
  commit([0.05, 0.06, 100].map((ttfb, i) => message(tts({ ttfb, metadata: model }), i)));
  const counts = (await lines('time_to_first_byte_seconds', /_bucket$/)).map((line) => [
    /le="([^"]+)"/.exec(line)?.[1],
    Number(line.split('} ')[1]),
  ]);
  expect(counts[0]).toEqual(['0.05', 1]);
  expect(counts[1]).toEqual(['0.1', 2]);
  expect(counts.slice(-2)).toEqual([
    ['30', 2],
    ['+Inf', 3],
  ]);
});

test('a duplicate is not observed', async () => {
  const registry = new Registry();
  const calls = new CallMetrics(registry);
  const session = sessionOf(message(llm({ ttft: 0.4 })));
  session.outcomes = { fresh: [], conflicting: [], duplicates: 1 };
  const batch = { messages: session.billable, nextOffset: 1 };
  calls.committed({
    batch: batch as never,
    sessions: [session],
    deadLetters: [],
    stepMs: new Map(),
  });
  expect(await registry.metrics()).not.toMatch(/_count.* [1-9]/);
});

test('the end of a turn is observed where its offset was not read before', async () => {
  const { commit, lines } = scene();
  const turn = (offset: number) => {
    const metric = eou({ end_of_utterance_delay: 0.5, transcription_delay: 0 });
    const measured = { metricType: metric.type, values: measuredValues(metric), valuesFrom: 0 };
    return { ...ignored({}, offset), measured };
  };
  commit([turn(4), turn(5)], 5);
  expect(await lines('end_of_utterance_delay_seconds', /_count$/)).toEqual([
    'usage_ledger_end_of_utterance_delay_seconds_count 1',
  ]);
  expect(await lines('transcription_delay_seconds', /_count$/)).toEqual([
    'usage_ledger_transcription_delay_seconds_count 0',
  ]);
});

test('a histogram without labels begins at 0, so that a rate sees the first values', async () => {
  const { lines } = scene();
  expect(await lines('event_to_billable_seconds', /_count$/)).toEqual([
    'usage_ledger_event_to_billable_seconds_count 0',
  ]);
});

test('from an event to its bill', async () => {
  const { commit, lines } = scene();
  commit([{ ...message(llm()), eventUs: (NOW - 1_500) * 1_000 }]);
  expect(await lines('event_to_billable_seconds', /_sum$/)).toEqual([
    'usage_ledger_event_to_billable_seconds_sum 1.5',
  ]);
});

test('models beyond the limit, and names that are too long, share one label', async () => {
  const { commit, lines } = scene(new ModelLabels(2));
  const of = (name: string) =>
    message(llm({ ttft: 1, metadata: { model_name: name, model_provider: 'p' } }));
  commit(['x'.repeat(200), 'a', 'b', 'c', 'd', 'a'].map(of));
  const counts = await lines('time_to_first_token_seconds', /_count$/);
  expect(counts.map((line) => line.replace(/^\S+_count/, ''))).toEqual([
    '{provider="other",model="other"} 3',
    '{provider="p",model="a"} 2',
    '{provider="p",model="b"} 1',
  ]);
});
