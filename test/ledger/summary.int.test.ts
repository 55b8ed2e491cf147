import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { WrongUsageError } from '../../src/errors.ts';
import { readMigrations } from '../../src/migrate/migration-files.ts';
import { migrationError } from '../../src/migrate/migration-lock.ts';
import { inTransaction } from '../../src/postgres/database.ts';
import { usageRows } from '../../src/report/usage-report.ts';
import { type LedgerWorld, newLedgerWorld } from '../support/ledger-world.ts';

let world: LedgerWorld;
beforeAll(async () => {
  world = await newLedgerWorld();
});
afterAll(async () => {
  await world.close();
});

test('token sums of a session beyond bigint are exact, and no other session fails for them', async () => {
  const most = '9223372036854775807';
  await world.database.query(
    `INSERT INTO session (session_id, first_event_at, last_event_at, revision)
      VALUES ('huge', now(), now(), 1), ('ordinary', now(), now(), 1)`,
  );
  const columns = `input_tokens, input_audio_tokens, output_tokens, characters_count`;
  await world.database.query(
    `INSERT INTO session_model_usage (session_id, usage_type, provider, model, ${columns},
        first_event_at, last_event_at)
      SELECT 'huge', 'llm_usage', 'p', model, $1, $1, $1, $1, now(), now()
      FROM unnest(ARRAY['a', 'b', 'c']) AS model`,
    [most],
  );
  const { rows } = await world.database.query(
    `SELECT session_id, llm_prompt_tokens, llm_input_tokens, llm_input_audio_tokens,
      llm_completion_tokens, tts_characters_count FROM session_usage_summary ORDER BY 1`,
  );
  const sum = String(3n * BigInt(most));
  expect(rows).toEqual([
    {
      session_id: 'huge',
      llm_prompt_tokens: sum,
      llm_input_tokens: sum,
      llm_input_audio_tokens: sum,
      llm_completion_tokens: sum,
      tts_characters_count: sum,
    },
    {
      session_id: 'ordinary',
      llm_prompt_tokens: '0',
      llm_input_tokens: '0',
      llm_input_audio_tokens: '0',
      llm_completion_tokens: '0',
      tts_characters_count: '0',
    },
  ]);
  const reported = [];
  for await (const row of usageRows(world.database, 'huge')) reported.push(row.input_tokens);
  expect(reported).toEqual([most, most, most]);
});

/** Runs the statement that creates the view again. */
async function makeAgain(): Promise<void> {
  const made = readMigrations()
    .flatMap(({ statements }) => statements)
    .filter((statement) => statement.includes('DROP VIEW session_usage_summary'));
  await inTransaction(world.database, (connection) => connection.query(made.at(-1) ?? ''));
}

test('a view of others that depends on it is named, and its grants survive the migration', async () => {
  const client = new pg.Client({ connectionString: world.settings.DATABASE_URL });
  await client.connect();
  await client.query(`CREATE VIEW public.bill AS SELECT * FROM usage_ledger.session_usage_summary`);
  await client.query(`GRANT SELECT ON usage_ledger.session_usage_summary TO PUBLIC`);

  const thrown = await makeAgain().catch((error: unknown) => error);
  const error = migrationError(thrown, world.settings);
  expect(error).toBeInstanceOf(WrongUsageError);
  expect((error as Error).message).toMatch(/view (public\.)?bill depends on .*run migrate/);

  await client.query('DROP VIEW public.bill');
  await makeAgain();
  const { rows } = await client.query(
    `SELECT grantee FROM information_schema.role_table_grants
      WHERE table_name = 'session_usage_summary' AND privilege_type = 'SELECT' ORDER BY 1`,
  );
  expect(rows.map(({ grantee }) => grantee)).toEqual(
    expect.arrayContaining(['PUBLIC', 'usage_ledger_reader', 'usage_ledger_writer']),
  );
  await client.end();
});
