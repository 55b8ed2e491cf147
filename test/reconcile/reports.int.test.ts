import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { AgentMetrics, ReportedModelUsage } from '../../src/livekit/types.ts';
import { NO_USAGE, USAGE_COLUMNS } from '../../src/livekit/usage-columns.ts';
import { reconcile } from '../../src/reconcile/reconcile.ts';
import { llm, stt, tts } from '../identify/samples.ts';
import { type LedgerWorld, newLedgerWorld } from '../support/ledger-world.ts';
import { encoded, messageAt } from '../support/messages.ts';
import { breaks } from '../support/world.ts';

const NOON = Date.UTC(2026, 10, 27, 12) / 1_000;

let world: LedgerWorld;
beforeAll(async () => {
  world = await newLedgerWorld();
});
afterEach(async () => {
  await world.clear();
});
afterAll(async () => {
  await world.close();
});

const usageOf = (fields: Partial<ReportedModelUsage>): ReportedModelUsage => ({
  ...NO_USAGE,
  type: 'llm_usage',
  provider: 'openai',
  model: 'gpt',
  ...fields,
});
const report = (timestamp: number, ...model_usage: ReportedModelUsage[]): AgentMetrics => ({
  type: 'session_usage_report',
  timestamp,
  model_usage,
});
const metadata = { model_provider: 'openai', model_name: 'gpt' };
const request = (prompt_tokens: number): AgentMetrics =>
  llm({
    prompt_tokens,
    prompt_cached_tokens: 0,
    completion_tokens: 0,
    request_id: `chatcmpl-4b7ae91f0c5d${prompt_tokens}`,
    metadata,
  });

/** Books metrics of one session, in batches of the sizes given, and returns the counts. */
async function book(metrics: readonly AgentMetrics[], partition = 0, session_id = 'call') {
  const booked = await world.partition(partition);
  const result = await booked.book(
    world.ledger(),
    metrics.map((metric) => (offset) => messageAt(offset, encoded({ session_id, metric }))),
  );
  if (result.status !== 'applied') throw new Error(result.status);
  return result.counts;
}

async function rows(query: string): Promise<unknown[]> {
  return (await world.database.query(query)).rows;
}
const reported = () =>
  rows(`SELECT usage_type, provider, model, input_tokens::int, audio_duration::text AS seconds,
    extract(epoch FROM reported_at)::integer AS at FROM session_usage_report ORDER BY 1, 2, 3`);

describe('a session usage report', () => {
  test('is ignored in the books and never billed, with its session like that of any event', async () => {
    const counts = await book([report(NOON, usageOf({ input_tokens: 7 }))]);

    expect(counts).toEqual({ applied: 0, duplicate: 0, ignored: 1, conflict: 0, dead_letter: 0 });
    expect(await rows('SELECT session_id FROM session')).toEqual([{ session_id: 'call' }]);
    expect(await rows('SELECT * FROM session_model_usage')).toEqual([]);
    expect(await reported()).toEqual([
      {
        usage_type: 'llm_usage',
        provider: 'openai',
        model: 'gpt',
        input_tokens: 7,
        seconds: '0',
        at: NOON,
      },
    ]);
    expect(await breaks(world.database)).toEqual([]);
  });

  const early = report(NOON, usageOf({ input_tokens: 7 }), usageOf({ model: 'mini' }));
  const late = report(NOON + 1, usageOf({ input_tokens: 9 }));
  const LATEST = [expect.objectContaining({ model: 'gpt', input_tokens: 9, at: NOON + 1 })];
  test.each([
    ['in order', [[early, late]]],
    ['out of order', [[late, early]]],
    ['in batches of their own, out of order', [[late], [early]]],
    ['repeated', [[early], [late], [early, late], [late], [early]]],
  ])('is replaced as a whole by a later one: %s', async (_, batches) => {
    for (const batch of batches) await book(batch);
    expect(await reported()).toEqual(LATEST);
  });

  test('of two of one moment, that of the greater offset stands, in whatever order they are applied', async () => {
    const first = report(NOON, usageOf({ input_tokens: 1 }));
    const second = report(NOON, usageOf({ input_tokens: 2 }));
    await book([first, second]);
    expect(await reported()).toMatchObject([{ input_tokens: 2 }]);
    await world.clear();
    // Another group reads the same offsets, last first.
    const readers = [await world.partition(0, 'a'), await world.partition(0, 'b')];
    const at = (metric: AgentMetrics) => (offset: number) =>
      messageAt(offset, encoded({ session_id: 'call', metric }));
    await readers[0]?.book(world.ledger(), [at(first), at(second)]);
    await readers[1]?.book(world.ledger(), [at(first)]);
    expect(await reported()).toMatchObject([{ input_tokens: 2 }]);
  });

  test('that names a model twice counts both, and one without models is a report as well', async () => {
    await book([report(NOON, usageOf({ input_tokens: 7 }), usageOf({ input_tokens: 2 }))]);
    expect(await reported()).toMatchObject([{ input_tokens: 9 }]);

    await book([request(5), report(NOON + 1)]);
    expect(await reported()).toEqual([]);
    expect(await differences()).toMatchObject([
      { dimension: 'input_tokens', reported: '0', recorded: '5', difference: '5' },
    ]);
  });

  test('with a value that is no usage is a dead letter', async () => {
    const counts = await book([report(NOON, usageOf({ input_tokens: -1 }))]);
    expect(counts).toMatchObject({ ignored: 0, dead_letter: 1 });
    expect(await rows('SELECT reason, detail FROM dead_letter')).toEqual([
      {
        reason: 'invalid_value',
        detail: 'model_usage[0].input_tokens is -1; expected 0 to 2^53-1',
      },
    ]);
    expect(await reported()).toEqual([]);
  });
});

async function differences(sessionId?: string) {
  const found = [];
  const { differences } = await reconcile(world.database, sessionId);
  for await (const difference of differences) found.push(difference);
  return found;
}

describe('the reconciliation', () => {
  const complete = usageOf({ input_tokens: 300 });

  test('agrees for a complete call, whether its report is before or after its events', async () => {
    const calls = [request(100), request(200)];
    await book([...calls, report(NOON, complete)], 0, 'after');
    await book([report(NOON, complete), ...calls], 1, 'before');

    expect(await differences()).toEqual([]);
    expect(
      await rows('SELECT session_id, dimension, reported, recorded FROM usage_reconciliation'),
    ).toEqual(
      ['after', 'before'].map((session_id) => ({
        session_id,
        dimension: 'input_tokens',
        reported: '300',
        recorded: '300',
      })),
    );
  });

  test('finds a call that lost one event between agent and Kafka', async () => {
    await book([request(100), report(NOON, complete)]);
    await book([request(100), request(200), report(NOON, complete)], 1, 'complete');

    expect(await differences()).toEqual([
      {
        session_id: 'call',
        usage_type: 'llm_usage',
        provider: 'openai',
        model: 'gpt',
        dimension: 'input_tokens',
        reported: '300',
        recorded: '100',
        difference: '-200',
        reasons: ['not_recorded'],
      },
    ]);
    expect((await differences('complete')).length).toBe(0);
  });

  test('has every usage column', async () => {
    const each = USAGE_COLUMNS.map((name, i) => [name, i + 1] as const);
    await book([report(NOON, usageOf(Object.fromEntries(each)))]);
    const found = await differences();
    expect(found.map(({ dimension, reported }) => [dimension, Number(reported)]).sort()).toEqual(
      each.map(([name, count]) => [name, count]).sort(),
    );
    const [row] = await rows('SELECT * FROM session_usage_report');
    expect(Object.keys(row as object)).toEqual(expect.arrayContaining([...USAGE_COLUMNS]));
  });

  test('has only sessions that reported, and counts the others that have usage', async () => {
    await book([request(100)], 0, 'without');
    await book([request(100), report(NOON, usageOf({ input_tokens: 100 }))], 0, 'with');
    const { coverage, differences } = await reconcile(world.database);
    for await (const _ of differences) throw new Error('nothing differs');
    expect(coverage).toEqual({ compared: 1, withoutReport: 1 });
  });

  test('shows a model that only one side has', async () => {
    await book([
      tts({ characters_count: 31, audio_duration: 2, metadata }),
      report(NOON, usageOf({ type: 'avatar_usage', model: 'face', input_tokens: 3 })),
    ]);
    expect(await differences()).toMatchObject([
      { usage_type: 'avatar_usage', dimension: 'input_tokens', difference: '-3' },
      { usage_type: 'tts_usage', dimension: 'audio_duration', difference: '2' },
      { usage_type: 'tts_usage', dimension: 'characters_count', difference: '31' },
    ]);
  });

  test('leaves out output image tokens, which agents do not count, unless one does', async () => {
    const realtimeUsage = usageOf({ output_image_tokens: 3 });
    await book([report(NOON, realtimeUsage)]);
    expect(await differences()).toMatchObject([{ dimension: 'output_image_tokens' }]);
  });

  const seconds = Array.from(
    { length: 1_000 },
    (_, i) => Math.fround((i * 7919) % 977) / 10 + 0.02,
  );
  const speech = seconds.map((audio_duration, i) =>
    stt({ audio_duration, input_tokens: 0, output_tokens: 0, timestamp: NOON + i, metadata }),
  );
  const transcribed = (audio_duration: number) => usageOf({ type: 'stt_usage', audio_duration });

  test('takes what a sum of doubles loses for no difference', async () => {
    const sum = seconds.reduce((a, b) => a + b, 0);
    await book([...speech, report(NOON, transcribed(sum))]);
    const [row] = (await rows(
      'SELECT reported = recorded AS same, difference::text FROM usage_reconciliation',
    )) as { same: boolean; difference: string }[];
    expect(row).toEqual({ same: false, difference: '0' });
  });

  test('shows a difference of a thousandth of a millisecond in a call of hours', async () => {
    const sum = seconds.reduce((a, b) => a + b, 0);
    await book([...speech, report(NOON, transcribed(sum + 1e-6))]);
    expect(await differences()).toMatchObject([{ dimension: 'audio_duration' }]);
  });

  test('names the conflicts of the session as a reason', async () => {
    const changed = { ...request(200), prompt_tokens: 50 } as AgentMetrics;
    await book([request(200), changed, report(NOON, usageOf({ input_tokens: 250 }))]);
    expect(await differences()).toMatchObject([
      { difference: '-50', reasons: ['conflict', 'key_terms'] },
    ]);
  });
});
