import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { EventInput } from '../../src/produce/encoder.ts';
import { cli } from '../support/cli.ts';
import { breaks, calls, newWorld, type World } from '../support/world.ts';

const SCHEMA = 'usage_ledger';
const id = randomBytes(4).toString('hex');
const writer = `test_writer_${id}`;
const reader = `test_reader_${id}`;
const outsider = `test_outsider_${id}`;

let world: World;
beforeAll(async () => {
  world = await newWorld(1);
  for (const name of [writer, reader, outsider]) {
    await world.database.query(`CREATE ROLE ${name} LOGIN PASSWORD 'pw'`);
  }
  await world.database.query(`GRANT usage_ledger_writer TO ${writer}`);
  await world.database.query(`GRANT usage_ledger_reader TO ${reader}`);
});
afterAll(async () => {
  await world.database.query(`DROP ROLE ${writer}, ${reader}, ${outsider}`);
  await world.close();
});

function envOf(role: string): NodeJS.ProcessEnv {
  const url = new URL(world.settings.DATABASE_URL);
  [url.username, url.password] = [role, 'pw'];
  return { ...world.env, DATABASE_URL: url.href };
}

/** What the server says to a statement of a role: the SQLSTATE, or nothing when it was done. */
async function refusal(role: string, statement: string): Promise<string | undefined> {
  const client = new pg.Client({ connectionString: envOf(role)['DATABASE_URL'] });
  await client.connect();
  try {
    await client.query(`SET search_path = ${SCHEMA}`);
    await client.query(`BEGIN; ${statement}; ROLLBACK`);
    return undefined;
  } catch (error) {
    return (error as pg.DatabaseError).code;
  } finally {
    await client.end();
  }
}

const NOT_PERMITTED = '42501';
const TABLES = [
  'session',
  'usage_source',
  'ledger_page',
  'uncompacted_session',
  'session_model_usage',
  'session_report',
  'topic_generation',
  'consumer_position',
  'consumed_range',
  'dead_letter',
  'event_conflict',
  'session_change',
  'session_account_change',
  'billing_day',
  'session_day',
  'model_price',
];

describe('a login with usage_ledger_writer', () => {
  const llm = calls.events.find(({ metric }) => metric.type === 'llm_metrics') as EventInput;
  const changed = (fields: object): EventInput => ({
    ...llm,
    metric: Object.assign({}, llm.metric, { request_id: 'twice' }, fields),
  });

  test('runs the worker, with dead letters and conflicts and their resolution', async () => {
    await world.send(
      await world.encode([
        ...calls.events.slice(0, 40),
        changed({}),
        changed({ prompt_tokens: 7 }),
      ]),
    );
    await world.send([{ key: 'k', value: Buffer.from('garbage') }]);
    // Small batches, so that there are pages to merge.
    const env = { ...envOf(writer), BATCH_MAX_EVENTS: '5' };

    const { counts } = await world.run({ env });

    expect(counts).toMatchObject({ conflict: 1, dead_letter: 1 });
    const results = await Promise.all([
      cli(['verify'], env),
      cli(['position', 'show'], env),
      cli(['dead-letters', 'redrive'], env),
      cli(['conflicts', 'accept', `${world.topic}/0/41`], env),
      cli(['report', '--format', 'json'], env),
      cli(['sessions', 'set-account', '--session', llm.session_id, '--account', 'other'], env),
    ]);
    // The malformed message is refused again, which is no success; nothing lacks a right.
    expect(results.map(({ code }) => code)).toEqual([0, 0, 1, 0, 0, 0]);
    expect(results[2]?.stderr).toMatch(/none could be applied/);
    const set = ['position', 'set', '--topic', world.topic, '--partition', '0', '--offset', '10'];
    expect(await cli(set, env)).toMatchObject({ code: 0 });
    expect((await world.run({ env })).counts).toMatchObject({ applied: 0 });
    const compacted = await cli(['compact', '--quiet-for', '0', '--json'], env);
    expect(compacted).toMatchObject({ code: 0 });
    expect(JSON.parse(compacted.stdout).pages_before).toBeGreaterThan(0);
    expect(await breaks(world.database)).toEqual([]);
  });

  test("creates the coming months' partitions, although it may not create tables", async () => {
    const month = (
      await world.database.query(
        "SELECT to_char(now() AT TIME ZONE 'UTC' + interval '1 month', 'YYYY_MM') AS month",
      )
    ).rows[0].month;
    await world.database.query(`DROP TABLE ledger_page_${month}`);

    await world.run({ env: envOf(writer) });

    const { rows } = await world.database.query('SELECT to_regclass($1) AS made', [
      `ledger_page_${month}`,
    ]);
    expect(rows).toEqual([{ made: `ledger_page_${month}` }]);
  });

  test.each([
    `CREATE TABLE ${SCHEMA}.mine (a int)`,
    'CREATE TABLE public.mine (a int)',
    'CREATE SCHEMA mine',
    'DROP TABLE dead_letter',
    'DROP VIEW usage_event',
    'ALTER TABLE session ADD COLUMN mine int',
    'CREATE INDEX ON session (account_id)',
    'CREATE OR REPLACE FUNCTION prepare_ledger_partitions() RETURNS void LANGUAGE sql AS $$$$',
    'CREATE ROLE mine',
    "INSERT INTO billing_day (day) VALUES ('2026-01-01')",
    'ALTER SEQUENCE usage_change_number RESTART',
    "SELECT setval('usage_change_number', 5)",
    "SELECT merge_ledger_pages('', now()::date, '{1,2}', '{0,0}', 2, 0, now())",
    'SELECT note_uncompacted()',
    'UPDATE uncompacted_session SET written_at = now()',
    'UPDATE schema_migration SET created_at = 0',
    ...TABLES.flatMap((table) => [`DELETE FROM ${table}`, `TRUNCATE ${table}`]),
  ])('cannot %s', async (statement) => {
    expect(await refusal(writer, statement)).toBe(NOT_PERMITTED);
  });

  test('gets a permission error from migrate', async () => {
    const env = { ...envOf(writer), DATABASE_SCHEMA: 'another' };
    const { code, stderr } = await cli(['migrate'], env);
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: expect.stringMatching(/^usage-ledger: DATABASE_URL: permission denied for database/),
    });
  });
});

describe('a login with usage_ledger_reader', () => {
  /** A column of each relation that has no session. */

  test('finds the event at an offset', async () => {
    const statement = `SELECT * FROM usage_event_at('${world.topic}', 0, 1)`;
    expect(await refusal(reader, statement)).toBe(undefined);
  });

  test('finds what came late', async () => {
    const statement = 'SELECT * FROM late_usage_since(now())';
    expect(await refusal(reader, statement)).toBe(undefined);
  });

  test.each([
    'session',
    'usage_event',
    'session_model_usage',
    'llm_model_usage',
    'tts_model_usage',
    'stt_model_usage',
    'interruption_model_usage',
    'eot_model_usage',
    'session_report',
    'session_usage_report',
    'usage_reconciliation',
    'session_usage_summary',
    'session_cost',
    'session_daily_cost',
    'unpriced_usage',
    'price_period',
    'account_daily_usage',
    'account_daily_cost',
    'usage_part',
    'model_price',
    'consumer_position',
    'consumed_range',
    'open_dead_letter',
    'open_conflict',
    'usage_change',
    'billing_watermark',
    'billing_day',
    'late_usage',
    'session_account_change',
    'invoice_export',
    'invoice_line',
  ])('reads %s and cannot write it', async (relation) => {
    expect(await refusal(reader, `SELECT * FROM ${relation}`)).toBe(undefined);
    const { rows } = await world.database.query(
      'SELECT attname AS first FROM pg_attribute WHERE attrelid = $1::regclass AND attnum = 1',
      [relation],
    );
    const change = `UPDATE ${relation} SET ${rows[0]?.first} = DEFAULT`;
    expect(await refusal(reader, change)).toMatch(/42501|55000/);
    expect(await refusal(reader, `DELETE FROM ${relation}`)).toMatch(/42501|55000/);
  });

  test.each([
    'dead_letter',
    'event_conflict',
    'ledger_page',
    'ledger_entry',
    'usage_source',
    'session_change',
    'uncompacted_session',
    'session_day',
    'priced_usage',
  ])('cannot read %s, where payloads or our own workings are', async (relation) => {
    expect(await refusal(reader, `SELECT * FROM ${relation}`)).toBe(NOT_PERMITTED);
  });

  test.each([
    'SELECT prepare_ledger_partitions()',
    'SELECT prepare_usage_change()',
    "SELECT * FROM compact_sessions('{}', '0', '0')",
    `CREATE TABLE ${SCHEMA}.mine (a int)`,
  ])('cannot %s', async (statement) => {
    expect(await refusal(reader, statement)).toBe(NOT_PERMITTED);
  });

  test('may run report, reconcile and prices check, and gets an error with the missing privilege from other commands', async () => {
    const env = envOf(reader);
    const [report, reconciled, prices, deadLetters] = await Promise.all([
      cli(['report', '--format', 'csv'], env),
      cli(['reconcile'], env),
      cli(['prices', 'check'], env),
      cli(['dead-letters', 'list'], env),
    ]);
    expect(report).toMatchObject({ code: 0, stderr: '' });
    expect(reconciled).toMatchObject({ code: 0, stderr: '' });
    // No price was imported.
    expect(prices).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^usage-ledger: usage without a price/),
    });
    expect(deadLetters).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/permission denied for table dead_letter; its user needs/),
    });
  });
});

test('a login with neither role gets an error with the role that it lacks', async () => {
  const { code, stderr } = await cli(['report'], envOf(outsider));
  expect({ code, stderr }).toEqual({
    code: 2,
    stderr:
      'usage-ledger: DATABASE_URL: permission denied for schema usage_ledger; ' +
      'its user needs the writer role of this ledger (by default usage_ledger_writer), or the reader role for report\n',
  });
});
