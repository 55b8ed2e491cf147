import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { EventInput } from '../../src/produce/encoder.ts';
import { verify, verifyBooks } from '../../src/verify/verify.ts';
import { type LedgerWorld, newLedgerWorld } from '../support/ledger-world.ts';
import { encoded, messageAt } from '../support/messages.ts';
import { calls } from '../support/world.ts';

/** Ways to break the books by hand, each with the check that must name it. */
const BREAKS: readonly [what: string, sql: string, check: string, found: object][] = [
  [
    'a page of the ledger is removed',
    `DELETE FROM ledger_page WHERE (session_id, revision) =
      (SELECT session_id, revision FROM ledger_page ORDER BY 1, 2 LIMIT 1)`,
    'usage_adds_up',
    { session_id: expect.any(String) },
  ],
  [
    'an event in a page is changed',
    `UPDATE ledger_page SET output_tokens[1] = coalesce(output_tokens[1], 0) + 1
      WHERE output_tokens IS NOT NULL AND (session_id, revision) IN
        (SELECT session_id, min(revision) FROM ledger_page GROUP BY session_id)`,
    'usage_adds_up',
    { output_tokens: expect.any(Array) },
  ],
  [
    'a token is added to what is billed',
    `UPDATE session_model_usage SET input_tokens = input_tokens + 1 WHERE usage_type = 'llm_usage'`,
    'usage_adds_up',
    { usage_type: 'llm_usage', input_tokens: expect.any(Array) },
  ],
  [
    'a duration is off by the last digit',
    `UPDATE session_model_usage SET audio_duration = audio_duration + 0.00000000000001
      WHERE usage_type = 'stt_usage'`,
    'usage_adds_up',
    { usage_type: 'stt_usage', audio_duration: expect.any(Array) },
  ],
  [
    'a billed row is removed',
    `DELETE FROM session_model_usage WHERE usage_type = 'tts_usage'`,
    'usage_adds_up',
    { usage_type: 'tts_usage', missing_in_usage: true },
  ],
  [
    'a row is billed for which there is no event',
    `INSERT INTO session_model_usage (session_id, usage_type, provider, model, first_event_at,
      last_event_at) SELECT session_id, 'llm_usage', 'made', 'up', now(), now() FROM session LIMIT 1`,
    'usage_adds_up',
    { provider: 'made', missing_in_ledger: true },
  ],
  [
    'an event is in the ledger twice',
    `CREATE TABLE again AS SELECT * FROM ledger_page WHERE (session_id, revision) IN
        (SELECT session_id, min(revision) FROM ledger_page GROUP BY session_id);
      UPDATE again SET page = page + 50;
      INSERT INTO ledger_page SELECT * FROM again;
      DROP TABLE again`,
    'no_event_twice',
    { times: '2' },
  ],
  [
    'an array is shorter than its page',
    `UPDATE ledger_page SET event_us = event_us[2:] WHERE (session_id, revision) IN
        (SELECT session_id, min(revision) FROM ledger_page GROUP BY session_id)`,
    'pages_are_whole',
    { revision: expect.any(String) },
  ],
  ['a session is removed', `DELETE FROM session`, 'pages_are_whole', { page: 0 }],
  [
    'a range of the books is removed',
    `DELETE FROM consumed_range WHERE first_offset = 100`,
    'ranges_touch',
    { first_offset: '200', expected_first_offset: '100', problem: 'gap' },
  ],
  [
    'two ranges overlap',
    `UPDATE consumed_range SET next_offset = 150 WHERE first_offset = 0`,
    'ranges_touch',
    { first_offset: '100', expected_first_offset: '150', problem: 'overlap' },
  ],
  [
    'an outcome is miscounted',
    `UPDATE consumed_range SET duplicate = duplicate + 1 WHERE first_offset = 100`,
    'outcomes_add_up',
    { first_offset: '100' },
  ],
  [
    'an event is booked as applied that is not in the ledger',
    `UPDATE consumed_range SET applied = applied + 1, consumed = consumed + 1,
      next_offset = next_offset WHERE first_offset = 100`,
    'applied_is_in_ledger',
    { topic: 'ledger-world' },
  ],
  [
    'the position is moved by hand',
    `UPDATE consumer_position SET next_offset = next_offset + 1`,
    'ranges_reach_position',
    { partition: 0 },
  ],
  ['the position is removed', `DELETE FROM consumer_position`, 'ranges_reach_position', {}],
  [
    'a dead letter is removed',
    `DELETE FROM dead_letter`,
    'dead_letters_are_there',
    { counted: '1', found: '0' },
  ],
  [
    'a conflict is removed',
    `DELETE FROM event_conflict`,
    'conflicts_are_there',
    { counted: '1', found: '0' },
  ],
];

let world: LedgerWorld;
beforeAll(async () => {
  world = await newLedgerWorld();
  const values = calls.events.slice(0, 298).map(encoded);
  const llm = calls.events.find(({ metric }) => metric.type === 'llm_metrics') as EventInput;
  const disputed = { ...llm, metric: { ...llm.metric, prompt_tokens: 1 } };
  values.push(encoded(disputed), Buffer.from('malformed'));
  const partition = await world.partition(0);
  for (let at = 0; at < values.length; at += 100) {
    await partition.book(
      world.ledger(),
      values.slice(at, at + 100).map((value) => (offset) => messageAt(offset, value)),
    );
  }
  // As if each batch had begun a range.
  await world.database.query(`
    DELETE FROM consumed_range;
    INSERT INTO consumed_range
    SELECT 'group', 'ledger-world', 0, 0, n * 100, n * 100 + 100, 100,
      (SELECT count(*) FROM usage_event WHERE kafka_offset / 100 = n),
      0, 100 - CASE WHEN n = 2 THEN 2 ELSE 0 END
        - (SELECT count(*) FROM usage_event WHERE kafka_offset / 100 = n),
      CASE WHEN n = 2 THEN 1 ELSE 0 END, CASE WHEN n = 2 THEN 1 ELSE 0 END, NULL, now()
    FROM generate_series(0, 2) AS n;
    UPDATE consumer_position SET range_first_offset = 200`);
});
afterAll(async () => {
  await world.close();
});

/** Breaks the books, verifies, and rolls the break back. */
async function broken<T>(sql: string, look: () => Promise<T>): Promise<T> {
  const tables =
    'session,ledger_page,session_model_usage,consumer_position,consumed_range,dead_letter,event_conflict';
  for (const table of tables.split(',')) {
    await world.database.query(`CREATE TABLE saved_${table} AS SELECT * FROM ${table}`);
  }
  try {
    await world.database.query(sql);
    return await look();
  } finally {
    for (const table of tables.split(',')) {
      await world.database.query(
        `TRUNCATE ${table}; INSERT INTO ${table} SELECT * FROM saved_${table}; DROP TABLE saved_${table}`,
      );
    }
  }
}

test('books that were not broken balance', async () => {
  expect(await verify(world.database)).toMatchObject({ ok: true, breaks: [] });
});

describe('verify names the break when', () => {
  test.each(BREAKS)('%s', async (_, sql, check, found) => {
    const { ok, breaks } = await broken(sql, () => verify(world.database));

    expect(ok).toBe(false);
    expect(breaks).toContainEqual({ check, found: expect.objectContaining(found) });
  });

  test('it is within the time that is verified, and not otherwise', async () => {
    const sql = `UPDATE session_model_usage SET input_tokens = input_tokens + 1`;
    const hour = 3_600_000;
    const recent = { since: new Date(Date.now() - hour) };
    const past = { until: new Date(Date.now() - hour) };

    expect(await broken(sql, () => verify(world.database, recent))).toMatchObject({ ok: false });
    expect(await broken(sql, () => verify(world.database, past))).toMatchObject({ ok: true });
  });

  test.each(BREAKS.filter(([, , check]) => check !== 'detail_is_there'))(
    '%s, in a scope that has it',
    async (_, sql, check, found) => {
      const recent = { since: new Date(Date.now() - 3_600_000) };
      const { breaks } = await broken(sql, () => verify(world.database, recent));

      expect(breaks).toContainEqual({ check, found: expect.objectContaining(found) });
    },
  );

  test('more is booked as applied than is in the ledger, also until a time', async () => {
    const sql = 'UPDATE consumed_range SET applied = applied + 1 WHERE first_offset = 0';
    const past = { until: new Date(Date.now() - 3_600_000) };
    const { breaks } = await broken(sql, () => verify(world.database, past));

    expect(breaks.map(({ check }) => check)).toContain('applied_is_in_ledger');
  });

  test('it is in the books themselves, in the light checks of a worker', async () => {
    const sql = `DELETE FROM consumed_range WHERE first_offset = 100`;
    expect((await verifyBooks(world.database)).get('ranges_touch')).toBe(0);
    expect((await broken(sql, () => verifyBooks(world.database))).get('ranges_touch')).toBe(1);
  });
});
