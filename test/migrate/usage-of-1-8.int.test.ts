import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { loadSettings, type Settings } from '../../src/config/settings.ts';
import { Ledger } from '../../src/ledger/ledger.ts';
import { begin } from '../../src/ledger/positions.ts';
import { migrateDatabase } from '../../src/migrate/migrate.ts';
import { openDatabase } from '../../src/postgres/database.ts';
import { verify } from '../../src/verify/verify.ts';
import { eot, llm, stt } from '../identify/samples.ts';
import { decodedAgain, encoded, messageAt } from '../support/messages.ts';
import { migratedBefore } from '../support/migrated-before.ts';
import { freshDatabase } from '../support/stack.ts';

/** A ledger with data, of before the usage of livekit-agents 1.8. */

let settings: Settings;
let client: pg.Client;
let drop: () => Promise<void>;

beforeAll(async () => {
  const fresh = await freshDatabase();
  drop = fresh.drop;
  settings = loadSettings({ DATABASE_URL: fresh.url }, ['database']);
  client = new pg.Client({ connectionString: fresh.url });
  await client.connect();
  await migratedBefore(client, '0011_usage_of_1_8');
  await client.query(`
    INSERT INTO session (session_id, first_event_at, last_event_at, revision)
      VALUES ('call', '2026-01-01', '2026-01-01', 1);
    INSERT INTO usage_source (metric_type, provider, model) VALUES ('llm_metrics', 'p', 'm');
    INSERT INTO ledger_page (session_id, period, revision, page, kafka_topic, kafka_partition,
        base_offset, entry_count, identities, source_id, request_id, event_us, offset_delta,
        input_tokens, output_tokens)
      SELECT 'call', period, 1, 0, 'calls', 0, 0, 2, decode(repeat('01', 16) || repeat('02', 16), 'hex'),
        '{1,1}', '{a,b}', '{1767225600000000,1767225600000000}', '{0,1}', '{5,7}', '{1,2}' FROM session;
    INSERT INTO session_model_usage (session_id, usage_type, provider, model, input_tokens,
        output_tokens, event_count, first_event_at, last_event_at)
      VALUES ('call', 'llm_usage', 'p', 'm', 12, 3, 2, '2026-01-01', '2026-01-01');
    INSERT INTO consumer_position (group_id, topic, partition, next_offset, pass_first_offset,
        range_first_offset) VALUES ('g', 'calls', 0, 2, 0, 0);
    INSERT INTO consumed_range (group_id, topic, partition, pass, first_offset, next_offset,
        consumed, applied, duplicate, ignored, conflict, dead_letter)
      VALUES ('g', 'calls', 0, 0, 0, 2, 2, 2, 0, 0, 0, 0);
    CREATE VIEW public.bill AS
      SELECT e.session_id, e.input_tokens, s.llm_input_audio_tokens
      FROM usage_event AS e JOIN session_usage_summary AS s USING (session_id);
    GRANT SELECT ON interruption_model_usage TO PUBLIC`);
  await migrateDatabase(settings);
});
afterAll(async () => {
  await client.end();
  await drop();
});

test('what is in it stays, and the books balance', async () => {
  const database = openDatabase(settings, 2);
  try {
    expect((await verify(database)).breaks).toEqual([]);
    const { rows } = await client.query(
      `SELECT usage_type, input_tokens, input_cache_creation_tokens, output_reasoning_tokens,
        recorded_at IS NOT NULL AS is_dated FROM usage_event ORDER BY kafka_offset`,
    );
    const of = (input_tokens: string) => ({
      usage_type: 'llm_usage',
      input_tokens,
      input_cache_creation_tokens: '0',
      output_reasoning_tokens: '0',
      is_dated: true,
    });
    expect(rows).toEqual([of('5'), of('7')]);
  } finally {
    await database.end();
  }
});

test('views of others that depend on ours stay, and grants reach the view that is new', async () => {
  const { rows } = await client.query('SELECT * FROM public.bill');
  expect(rows).toHaveLength(2);
  const granted = await client.query(
    `SELECT grantee FROM information_schema.role_table_grants
      WHERE table_name = 'eot_model_usage' AND privilege_type = 'SELECT'`,
  );
  expect(granted.rows.map(({ grantee }) => grantee)).toEqual(
    expect.arrayContaining(['PUBLIC', 'usage_ledger_reader', 'usage_ledger_writer']),
  );
});

test('what comes afterwards is counted in the columns and views that are new', async () => {
  const database = openDatabase(settings, 2);
  try {
    const where = { groupId: 'g', topic: 'calls', partition: 0 };
    const { nextOffset, pass, generation } = await begin(database, where, 0);
    const metrics = [
      llm({ cache_creation_tokens: 4, reasoning_tokens: 6 }),
      stt({ input_tokens: 9, input_audio_tokens: 8, output_tokens: 2 }),
      eot({ num_requests: 3 }),
    ];
    const messages = metrics.map((metric, i) =>
      messageAt(nextOffset + i, encoded({ session_id: 'call', metric })),
    );
    const ledger = new Ledger(database, { cacheBytes: 1_000_000 });
    await ledger.apply({
      ...where,
      pass,
      generation,
      fromOffset: nextOffset,
      nextOffset: nextOffset + 3,
      messages,
      metricOf: decodedAgain,
    });
    const one = async (query: string) => (await client.query(query)).rows;
    expect(await one(`SELECT * FROM llm_model_usage WHERE model = 'model'`)).toMatchObject([
      { input_cache_creation_tokens: '4', output_reasoning_tokens: '6' },
    ]);
    expect(await one('SELECT * FROM stt_model_usage')).toMatchObject([{ input_audio_tokens: '8' }]);
    expect(await one('SELECT * FROM eot_model_usage')).toEqual([
      {
        session_id: 'call',
        type: 'eot_usage',
        provider: 'provider',
        model: 'model',
        total_requests: '3',
      },
    ]);
    expect(await one('SELECT * FROM session_usage_summary')).toMatchObject([
      {
        llm_input_audio_tokens: '0',
        stt_input_tokens: '9',
        stt_output_tokens: '2',
        stt_input_audio_tokens: '8',
      },
    ]);
    expect((await verify(database)).breaks).toEqual([]);
  } finally {
    await database.end();
  }
});

test('a page has no more arrays than its entries use', async () => {
  const { rows } = await client.query(
    `SELECT input_cache_creation_tokens, output_reasoning_tokens FROM ledger_page ORDER BY base_offset`,
  );
  expect(rows).toEqual([
    { input_cache_creation_tokens: null, output_reasoning_tokens: null },
    {
      input_cache_creation_tokens: ['4', null, null],
      output_reasoning_tokens: ['6', null, null],
    },
  ]);
});
