import { afterAll, beforeAll, expect, test } from 'vitest';
import { acceptConflict } from '../../src/ledger/accept-conflict.ts';
import type { EventInput } from '../../src/produce/encoder.ts';
import { verify } from '../../src/verify/verify.ts';
import { llm, vad } from '../identify/samples.ts';
import { type LedgerWorld, newLedgerWorld } from '../support/ledger-world.ts';
import { encoded, messageAt } from '../support/messages.ts';
import { insertPrices } from './prices.ts';

const seconds = (iso: string) => Date.parse(iso) / 1_000;

let world: LedgerWorld;
let partition: Awaited<ReturnType<LedgerWorld['partition']>>;
beforeAll(async () => {
  world = await newLedgerWorld();
  partition = await world.partition(0);
});
afterAll(async () => {
  await world.close();
});

/** Books events, all of one batch. */
async function book(...events: EventInput[]): Promise<number> {
  const first = partition.position;
  await partition.book(
    world.ledger(),
    events.map((event) => (offset) => messageAt(offset, encoded(event))),
  );
  return first;
}

function call(session: string, at: string, fields: Parameters<typeof llm>[0]): EventInput {
  const metric = llm({ timestamp: seconds(at), request_id: `${session} ${at}`, ...fields });
  return { session_id: session, account_id: 'a', metric };
}

const rowsOf = async (sql: string) => (await world.database.query(sql)).rows;

test('a call over midnight belongs to both days, also when its days come in any order', async () => {
  await book(call('late', '2026-03-02T00:10:00Z', { prompt_tokens: 5 }));
  await book(call('late', '2026-03-01T23:50:00Z', { prompt_tokens: 7 }));
  await book(call('late', '2026-03-03T00:00:00Z', { prompt_tokens: 1 }));
  await book(call('late', '2026-03-02T23:59:59.999Z', { prompt_tokens: 2 }));

  const days = await rowsOf(`SELECT day::text, input_tokens, event_count FROM account_daily_usage
    WHERE account_id = 'a' ORDER BY day`);

  expect(days).toEqual([
    { day: '2026-03-01', input_tokens: '7', event_count: '1' },
    { day: '2026-03-02', input_tokens: '7', event_count: '2' },
    { day: '2026-03-03', input_tokens: '1', event_count: '1' },
  ]);
});

test('a day between the first and the last has rows of events only', async () => {
  await book(call('gap', '2026-04-01T12:00:00Z', {}), call('gap', '2026-04-03T12:00:00Z', {}), {
    session_id: 'gap',
    metric: vad({ timestamp: seconds('2027-04-01T00:00:00Z') }),
  });
  expect(
    await rowsOf(`SELECT day::text FROM session_day WHERE session_id = 'gap' ORDER BY day`),
  ).toEqual([{ day: '2026-04-01' }, { day: '2026-04-03' }]);
});

test('a correction belongs to the day of its event, and its session extends to it', async () => {
  await book(call('fixed', '2026-05-01T23:59:00Z', { prompt_tokens: 10, request_id: 'same' }));
  const first = await book(
    call('fixed', '2026-05-02T00:01:00Z', { prompt_tokens: 25, request_id: 'same' }),
  );
  const key = {
    sessionId: 'fixed',
    topic: 'ledger-world',
    partition: 0,
    offset: first,
    generation: 0,
  };
  await acceptConflict(world.database, key);

  const days = await rowsOf(`SELECT day::text, input_tokens, event_count FROM account_daily_usage
    WHERE day BETWEEN '2026-05-01' AND '2026-05-02' ORDER BY day`);

  expect(days).toEqual([
    { day: '2026-05-01', input_tokens: '10', event_count: '1' },
    { day: '2026-05-02', input_tokens: '15', event_count: '0' },
  ]);
});

test('what the days of a call cost is what the call costs, also when a part is never below zero', async () => {
  // Cached tokens that the input does not have: 0 are left of the input on the first day.
  await book(
    call('odd', '2026-06-01T23:50:00Z', { prompt_tokens: 10, prompt_cached_tokens: 30 }),
    call('odd', '2026-06-02T00:10:00Z', { prompt_tokens: 50, prompt_cached_tokens: 0 }),
  );
  await insertPrices(world.database, [
    ['llm_usage', 'provider', '*', 'input_tokens', '3', '7', 'USD', '2026-01-01T00:00:00Z', null],
    [
      'llm_usage',
      'provider',
      '*',
      'input_cached_tokens',
      '1',
      '7',
      'USD',
      '2026-01-01T00:00:00Z',
      null,
    ],
  ]);
  const cost = await rowsOf(`SELECT dimension, quantity, round(cost, 20) AS cost FROM session_cost
    WHERE session_id = 'odd' ORDER BY dimension`);
  expect(cost).toEqual([
    { dimension: 'input_cached_tokens', quantity: '30', cost: '4.28571428571428571429' },
    { dimension: 'input_tokens', quantity: '30', cost: '12.85714285714285714286' },
  ]);
  const days = await rowsOf(`SELECT day::text, dimension, quantity FROM session_daily_cost
    WHERE session_id = 'odd' ORDER BY day, dimension`);
  expect(days).toEqual([
    { day: '2026-06-01', dimension: 'input_cached_tokens', quantity: '30' },
    { day: '2026-06-02', dimension: 'input_tokens', quantity: '30' },
  ]);
  const [sums] = await rowsOf(`SELECT
    (SELECT sum(cost) FROM session_cost) = (SELECT sum(cost) FROM account_daily_cost) AS is_same`);
  expect(sums).toEqual({ is_same: true });
  const names = ['sessions_span_usage', 'days_add_up', 'costs_add_up'];
  const { breaks } = await verify(world.database);
  expect(breaks.filter(({ check }) => names.includes(check))).toEqual([]);
});

test('days cost what the call costs where tokens move between parts of one price', async () => {
  // 102 / 7 is rounded up, and 51 / 7 twice is not: of the second day only 1e-30 of cost remains.
  await book(
    call('moved', '2026-06-01T23:50:00Z', { completion_tokens: 102 }),
    call('moved', '2026-06-02T00:10:00Z', { completion_tokens: 0, reasoning_tokens: 51 }),
  );
  await insertPrices(world.database, [
    ['llm_usage', 'provider', '*', 'output_tokens', '1', '7', 'USD', '2026-01-01T00:00:00Z', null],
  ]);
  const [cost] = await rowsOf(`SELECT
    (SELECT sum(cost) FROM session_cost WHERE session_id = 'moved') AS whole,
    (SELECT sum(cost) FROM session_daily_cost WHERE session_id = 'moved') AS of_days`);
  expect(cost?.of_days).toBe(cost?.whole);
  const { breaks } = await verify(world.database);
  expect(breaks.filter(({ check }) => check === 'costs_add_up')).toEqual([]);
});

test('verify finds a day of a call that is missing', async () => {
  await world.database.query(
    `DELETE FROM session_day WHERE session_id = 'late' AND day = '2026-03-02'`,
  );
  const { breaks } = await verify(world.database);
  expect(breaks.map(({ check, found }) => [check, found['session_id']])).toEqual(
    expect.arrayContaining([
      ['days_add_up', 'late'],
      ['costs_add_up', 'late'],
    ]),
  );
});

test('no two prices with one key apply at one time', async () => {
  const price = (from: string, to: string | null, model = 'm') =>
    insertPrices(world.database, [
      ['tts_usage', '', model, 'characters_count', '1', '1000', 'USD', from, to],
    ]);
  await price('2026-01-01T00:00:00Z', '2026-02-01T00:00:00Z');
  await price('2026-02-01T00:00:00Z', null);
  await price('2026-01-15T00:00:00Z', null, 'M');
  await expect(price('2026-01-31T23:59:59Z', '2026-02-01T00:00:00Z')).rejects.toMatchObject({
    code: '23P01',
  });
  await expect(price('2027-01-01T00:00:00Z', null)).rejects.toMatchObject({ code: '23P01' });
});

// Postgres updates a row in place (HOT) as long as no column that an index reads has another value.
test('no index reads a column of session that every event changes', async () => {
  const indexes = await rowsOf(`SELECT pg_get_indexdef(indexrelid) AS definition FROM pg_index
    WHERE indrelid = 'session'::regclass`);
  expect(indexes).toHaveLength(3);
  for (const { definition } of indexes) {
    expect(definition).not.toMatch(/last_event_at|revision|attributes/);
  }
});

test.each([
  ['account_daily_usage', "account_id = 'a' AND day >= '2026-03-01'", 'session_by_account'],
  ['account_daily_cost', "account_id = 'a' AND day >= '2026-03-01'", 'session_by_account'],
  ['account_daily_usage', "day = '2026-03-01'", 'session_by_first_day'],
  ['account_daily_cost', "day = '2026-03-01'", 'session_by_first_day'],
  ['session_cost', "session_id = 'late'", 'session_pkey'],
])('%s is read by an index where %s', async (view, condition, index) => {
  const results: unknown = await world.database.query(
    `SET LOCAL enable_seqscan = off; EXPLAIN SELECT * FROM ${view} WHERE ${condition}`,
  );
  const [, { rows }] = results as [unknown, { rows: { 'QUERY PLAN': string }[] }];
  const plan = rows.map((row) => row['QUERY PLAN']).join('\n');
  expect(plan).toMatch(index);
  // The days of other sessions are not read.
  expect(plan).toMatch(/session_day_by_day|session_day_key/);
});
