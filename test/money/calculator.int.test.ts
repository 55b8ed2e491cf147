import { execFile } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { to as copyTo } from 'pg-copy-streams';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { USAGE_COLUMNS } from '../../src/livekit/usage-columns.ts';
import { readingSnapshot } from '../../src/postgres/database.ts';
import { verify } from '../../src/verify/verify.ts';
import { type LedgerWorld, newLedgerWorld } from '../support/ledger-world.ts';
import { encoded, messageAt } from '../support/messages.ts';
import { insertPrices } from './prices.ts';
import { randomCall, randomPrices } from './random-calls.ts';

/** How many sessions; 100,000 take minutes. */
const SESSIONS = Number(process.env['MONEY_SESSIONS'] ?? 500);
const SEED = Number(process.env['MONEY_SEED'] ?? 7);
/** Sessions booked at once. */
const BATCH = 500;
/** A text without quotes and delimiters: none of its lines has these characters. */
const RAW = `(FORMAT csv, QUOTE E'\\x01', DELIMITER E'\\x02')`;
const CALCULATOR = resolve(import.meta.dirname, 'calculator.py');

let world: LedgerWorld;
let directory: string;
beforeAll(async () => {
  world = await newLedgerWorld();
  directory = await mkdtemp(join(tmpdir(), 'money-'));
});
afterAll(async () => {
  await world.close();
  await rm(directory, { recursive: true });
});

const text = (names: readonly string[]) => names.map((name) => `${name}::text`).join(', ');
const KIND = 'usage_type, provider, model';
/** All that the calculator needs, and what the views answered; what is of a session, by session. */
const READ: Readonly<Record<string, string>> = {
  events: `SELECT event.session_id, account_id, ${KIND}, ${text(USAGE_COLUMNS)},
      (extract(epoch FROM event_at) * 1000000)::bigint::text AS at,
      to_char(event_at AT TIME ZONE 'UTC', 'YYYY-MM-DD') AS day,
      CASE WHEN is_correction THEN '0' ELSE '1' END AS count
    FROM usage_event AS event JOIN session USING (session_id) ORDER BY event.session_id`,
  prices: `SELECT ${KIND}, dimension, unit_price::text, per::text, currency,
      (extract(epoch FROM valid_from) * 1000000)::bigint::text AS from,
      (extract(epoch FROM valid_to) * 1000000)::bigint::text AS to FROM model_price`,
  session_cost: `SELECT session_id, account_id, ${KIND}, dimension, currency,
      ${text(['quantity', 'unit_price', 'per', 'cost'])} FROM session_cost ORDER BY session_id`,
  unpriced_usage: `SELECT session_id, ${KIND}, dimension, quantity::text FROM unpriced_usage
    ORDER BY session_id`,
  account_daily_cost: `SELECT account_id, day::text, ${KIND}, currency, cost::text
    FROM account_daily_cost`,
  account_daily_usage: `SELECT account_id, day::text, ${KIND},
      ${text([...USAGE_COLUMNS, 'event_count'])} FROM account_daily_usage`,
};

test(`${SESSIONS} random calls cost what a calculator of its own computes from the contract`, async () => {
  const partition = await world.partition(0);
  const ledger = world.ledger();
  for (let first = 0; first < SESSIONS; first += BATCH) {
    const length = Math.min(BATCH, SESSIONS - first);
    const calls = Array.from({ length }, (_, i) => randomCall(SEED, first + i));
    const values = calls.flat().map(encoded);
    await partition.book(
      ledger,
      values.map((value) => (offset) => messageAt(offset, value)),
    );
  }
  await insertPrices(world.database, randomPrices(SEED));
  await world.database.query('ANALYZE');

  const connection = await readingSnapshot(world.database);
  try {
    for (const [name, query] of Object.entries(READ)) {
      await pipeline(
        connection.query(
          copyTo(`COPY (SELECT to_json(row) FROM (${query}) AS row) TO STDOUT ${RAW}`),
        ),
        createWriteStream(join(directory, `${name}.jsonl`)),
      );
    }
  } finally {
    connection.release(true);
  }
  const { stdout, stderr } = await promisify(execFile)('python3', [CALCULATOR, directory]).catch(
    (error: { stdout: string; stderr: string }) => error,
  );

  expect(stdout).toBe('');
  const [, sessions, costs, unpriced] =
    /^(\d+) sessions, .* (\d+) costs, (\d+) without a price/.exec(stderr) ?? [];
  expect(Number(sessions)).toBe(SESSIONS);
  expect(Number(costs)).toBeGreaterThan(SESSIONS / 2);
  expect(Number(unpriced)).toBeGreaterThan(SESSIONS / 10);
}, 3_600_000);

test('their books balance', async () => {
  const { breaks } = await verify(world.database);
  expect(breaks).toEqual([]);
}, 3_600_000);
