import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  type MeasuredType,
  measuredFieldsOf,
  measuredValues,
} from '../../../src/livekit/measured-fields.ts';
import type { AgentMetrics } from '../../../src/livekit/types.ts';
import { type RunningCli, startCli } from '../../support/cli.ts';
import { until } from '../../support/until.ts';
import { calls, newWorld, type World } from '../../support/world.ts';

let world: World;
let worker: RunningCli;
beforeAll(async () => {
  world = await newWorld(1);
});
afterAll(async () => {
  worker?.process.kill('SIGKILL');
  await world.close();
});

const metricsAt = (offset: number) =>
  calls.events[offset % calls.events.length]?.metric as AgentMetrics | undefined;

/** How many observations the histogram of a measured field should have. */
function expected(offsets: readonly number[], types: readonly MeasuredType[], field: string) {
  const least = field.startsWith('tt') ? 0 : Number.MIN_VALUE;
  return offsets.filter((offset) => {
    const metric = metricsAt(offset);
    if (metric === undefined || !(types as readonly string[]).includes(metric.type)) return false;
    const value = measuredValues(metric)[measuredFieldsOf(metric.type).indexOf(field)];
    return value !== undefined && value >= least;
  }).length;
}

test('a worker measures each applied event once, however often it is sent, and shows what it did', async () => {
  const messages = await world.encode(calls.events);
  await world.send(messages);
  await world.send(messages);
  const sent = messages.length * 2;
  worker = startCli(['run'], { ...world.env, HTTP_PORT: '0', LOG_LEVEL: 'info' });
  await until('all is booked', async () => {
    const { rows } = await world.database.query('SELECT next_offset FROM consumer_position');
    return rows[0]?.next_offset === String(sent);
  });
  const address = /"address":"([^"]+)"/.exec(worker.log())?.[1] ?? '';
  const scrape = async () => (await fetch(`http://${address}/metrics`)).text();
  await until('the lag is 0', async () => /^usage_ledger_lag\{.*\} 0$/m.test(await scrape()));
  const text = await scrape();
  const sum = (name: string) =>
    [...text.matchAll(new RegExp(`^usage_ledger_${name}(?:\\{.*\\})? (\\S+)$`, 'gm'))]
      .map(([, value]) => Number(value))
      .reduce((a, b) => a + b, 0);

  const { rows } = await world.database.query<{ kafka_offset: string }>(
    'SELECT kafka_offset FROM usage_event',
  );
  const applied = rows.map((row) => Number(row.kafka_offset));
  const models = ['llm_metrics', 'realtime_model_metrics'] as const;
  const firstTokens = expected(applied, models, 'ttft');
  expect(firstTokens).toBeGreaterThan(50);
  expect(sum('time_to_first_token_seconds_count')).toBe(firstTokens);
  expect(sum('tokens_per_second_count')).toBe(expected(applied, models, 'tokens_per_second'));
  expect(sum('time_to_first_byte_seconds_count')).toBe(expected(applied, ['tts_metrics'], 'ttfb'));
  const once = calls.events.map((_, offset) => offset);
  const turns = expected(once, ['eou_metrics'], 'end_of_utterance_delay');
  expect(turns).toBeGreaterThan(10);
  expect(sum('end_of_utterance_delay_seconds_count')).toBe(turns);

  expect(sum('event_to_billable_seconds_count')).toBe(applied.length);
  expect(sum('messages_total')).toBe(sent);
  expect(sum('batch_messages_sum')).toBe(sent);
  expect(sum('batch_step_seconds_count')).toBe(8 * sum('batch_messages_count'));
  expect(sum('lag_seconds')).toBe(0);
  expect(sum('position')).toBe(sent);
  expect(sum('assigned_partitions')).toBe(1);
  expect(sum('assignments_total')).toBeGreaterThan(0);
});
