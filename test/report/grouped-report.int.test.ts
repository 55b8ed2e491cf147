import { afterAll, beforeAll, expect, test } from 'vitest';
import { llm } from '../identify/samples.ts';
import { cli } from '../support/cli.ts';
import { type LedgerWorld, newLedgerWorld } from '../support/ledger-world.ts';
import { encoded, messageAt } from '../support/messages.ts';

const NOON = Date.UTC(2026, 9, 9, 12) / 1_000;
const DAY_S = 86_400;

let world: LedgerWorld;
beforeAll(async () => {
  world = await newLedgerWorld();
  await world.database.query(
    `INSERT INTO model_price (usage_type, provider, model, dimension, unit_price, per, currency, valid_from)
     VALUES ('llm_usage', 'provider', 'model', 'input_tokens', 3, 1000, 'USD', '2026-01-01')`,
  );
  const partition = await world.partition(0);
  const events = [
    ['a', 'acme', NOON, 1_005, 'model'],
    ['a', 'acme', NOON + DAY_S, 10, 'model'],
    ['b', 'other', NOON, 500, 'model'],
    ['c', null, NOON, 7, 'unpriced'],
  ] as const;
  for (const [i, [session_id, account_id, timestamp, prompt_tokens, model]] of events.entries()) {
    const metric = llm({
      timestamp,
      prompt_tokens,
      prompt_cached_tokens: 0,
      completion_tokens: 0,
      request_id: `chatcmpl-B9MBs8CjcvOU${i}`,
      metadata: { model_name: model, model_provider: 'provider' },
    });
    const value = encoded({ session_id, account_id, metric });
    await partition.book(world.ledger(), [(offset) => messageAt(offset, value)]);
  }
});
afterAll(() => world.close());

const report = (...args: string[]) =>
  cli(['report', ...args], { DATABASE_URL: world.settings.DATABASE_URL });
const rows = async (...args: string[]) =>
  JSON.parse((await report(...args, '--format', 'json')).stdout);

test('by account: the greatest cost first, exact, and what has no account or price last', async () => {
  expect(await rows('--by', 'account')).toMatchObject([
    { account_id: 'acme', event_count: 2, input_tokens: 1_015, cost: { USD: '3.045' } },
    { account_id: 'other', event_count: 1, input_tokens: 500, cost: { USD: '1.5' } },
    { account_id: null, event_count: 1, input_tokens: 7, cost: {} },
  ]);
});

test('by day, model and session, of an account and a time', async () => {
  expect(await rows('--by', 'day', '--account', 'acme')).toMatchObject([
    { day: '2026-10-09', input_tokens: 1_005, cost: { USD: '3.015' } },
    { day: '2026-10-10', input_tokens: 10, cost: { USD: '0.03' } },
  ]);
  expect(await rows('--by', 'model', '--from', '2026-10-10')).toMatchObject([
    { usage_type: 'llm_usage', provider: 'provider', model: 'model', input_tokens: 10 },
  ]);
  expect(await rows('--by', 'session', '--to', '2026-10-09', '--top', '1')).toMatchObject([
    { session_id: 'a', account_id: 'acme', input_tokens: 1_005, cost: { USD: '3.015' } },
  ]);
});

test('groups are ordered by currency, then by their cost in it', async () => {
  await world.database.query(
    `INSERT INTO model_price (usage_type, provider, model, dimension, unit_price, per, currency, valid_from)
     VALUES ('llm_usage', 'provider', 'unpriced', 'input_tokens', 1, 10, 'AUD', '2026-01-01')`,
  );
  const accounts = await rows('--by', 'account');
  await world.database.query(`DELETE FROM model_price WHERE currency = 'AUD'`);
  expect(accounts).toMatchObject([
    { account_id: null, cost: { AUD: '0.7' } },
    { account_id: 'acme', cost: { USD: '3.045' } },
    { account_id: 'other', cost: { USD: '1.5' } },
  ]);
});

test('the table rounds costs to the currency, CSV has them exactly', async () => {
  expect((await report('--by', 'account')).stdout).toMatch(/acme +2 +1,015 +3\.04 USD\n/);
  expect((await report('--by', 'account', '--format', 'csv')).stdout.split('\n')).toEqual([
    expect.stringMatching(/^account_id,input_tokens,.*,event_count,currency,cost$/),
    expect.stringMatching(/^acme,1015,.*,2,USD,3\.045$/),
    expect.stringMatching(/^other,500,.*,1,USD,1\.5$/),
    expect.stringMatching(/^,7,.*,1,,$/),
    '',
  ]);
});

test.each([
  [['--account', 'acme'], /are for --by/],
  [['--by', 'day', '--session', 'a'], /do not go together/],
  [['--by', 'day', '--from', '2026-10-10', '--to', '2026-10-09'], /not before --from/],
])('report %j is wrong usage', async (args, message) => {
  expect(await report(...args)).toMatchObject({ code: 2, stderr: expect.stringMatching(message) });
});
