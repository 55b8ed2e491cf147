import { execFile } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { USAGE_COLUMNS } from '../../src/livekit/usage-columns.ts';
import { readingSnapshot } from '../../src/postgres/database.ts';
import { verify } from '../../src/verify/verify.ts';
import { type LedgerWorld, newLedgerWorld } from '../support/ledger-world.ts';
import { encoded, messageAt } from '../support/messages.ts';
import { insertPrices } from './prices.ts';
import { randomCalls, randomPrices } from './random-calls.ts';

/** How many sessions; 100,000 take minutes. */
const SESSIONS = Number(process.env['MONEY_SESSIONS'] ?? 500);
const SEED = Number(process.env['MONEY_SEED'] ?? 7);
const BATCH = 2_000;
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
/** All that the calculator needs, and what the views answered. */
const READ: Readonly<Record<string, string>> = {
  events: `SELECT event.session_id, account_id, ${KIND}, ${text(USAGE_COLUMNS)},
      (extract(epoch FROM event_at) * 1000000)::bigint::text AS at,
      to_char(event_at AT TIME ZONE 'UTC', 'YYYY-MM-DD') AS day,
      CASE WHEN is_correction THEN '0' ELSE '1' END AS count
    FROM usage_event AS event JOIN session USING (session_id)`,
  prices: `SELECT ${KIND}, dimension, unit_price::text, per::text, currency,
      (extract(epoch FROM valid_from) * 1000000)::bigint::text AS from,
      (extract(epoch FROM valid_to) * 1000000)::bigint::text AS to FROM model_price`,
  session_cost: `SELECT session_id, account_id, ${KIND}, dimension, currency,
      ${text(['quantity', 'unit_price', 'per', 'cost'])} FROM session_cost`,
  unpriced_usage: `SELECT session_id, ${KIND}, dimension, quantity::text FROM unpriced_usage`,
  account_daily_cost: `SELECT account_id, day::text, ${KIND}, currency, cost::text
    FROM account_daily_cost`,
  account_daily_usage: `SELECT account_id, day::text, ${KIND},
      ${text([...USAGE_COLUMNS, 'event_count'])} FROM account_daily_usage`,
};

test(`${SESSIONS} random calls cost what a calculator of its own computes from the contract`, async () => {
  const partition = await world.partition(0);
  const ledger = world.ledger();
  const values = randomCalls(SESSIONS, SEED).map(encoded);
  for (let at = 0; at < values.length; at += BATCH) {
    const batch = values.slice(at, at + BATCH);
    await partition.book(
      ledger,
      batch.map((value) => (offset) => messageAt(offset, value)),
    );
  }
  await insertPrices(world.database, randomPrices(SEED));
  await world.database.query('ANALYZE');

  // A row for each line: as one text, those of 100,000 calls would be too long.
  const file = join(directory, 'rows.jsonl');
  const counts: Record<string, number> = {};
  const connection = await readingSnapshot(world.database);
  try {
    for (const [name, query] of Object.entries(READ)) {
      const { rows } = await connection.query<object>(query);
      counts[name] = rows.length;
      await pipeline(
        Readable.from(rows).map((row) => `${JSON.stringify([name, row])}\n`),
        createWriteStream(file, { flags: 'a' }),
      );
    }
  } finally {
    connection.release(true);
  }
  const { stdout } = await promisify(execFile)('python3', [CALCULATOR, file]).catch(
    (error: { stdout: string; stderr: string }) => ({ stdout: error.stdout + error.stderr }),
  );

  expect(stdout).toBe('');
  expect(counts['session_cost']).toBeGreaterThan(SESSIONS / 2);
  expect(counts['unpriced_usage']).toBeGreaterThan(SESSIONS / 10);
}, 3_600_000);

test('what the days cost is what the sessions cost, to the last digit', async () => {
  const connection = await readingSnapshot(world.database);
  const { rows } = await connection.query(`
    SELECT currency, by_session.cost::text AS by_session, by_day.cost::text AS by_day
    FROM (SELECT currency, sum(cost) AS cost FROM session_cost GROUP BY currency) AS by_session
    FULL JOIN (SELECT currency, sum(cost) AS cost FROM account_daily_cost GROUP BY currency) AS by_day
      USING (currency)`);
  connection.release(true);
  expect(rows).toHaveLength(2);
  for (const { by_session, by_day } of rows) expect(by_day).toBe(by_session);
  const { breaks } = await verify(world.database);
  expect(breaks).toEqual([]);
}, 3_600_000);
