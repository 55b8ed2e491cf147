import { afterAll, beforeAll, expect, test } from 'vitest';
import { acceptConflict } from '../../src/ledger/accept-conflict.ts';
import { keepDeadLetters } from '../../src/ledger/keep-dead-letters.ts';
import { positionsOf } from '../../src/ledger/positions.ts';
import { inTransaction, readingSnapshot } from '../../src/postgres/database.ts';
import { usageRows } from '../../src/report/usage-report.ts';
import { llm } from '../identify/samples.ts';
import { type LedgerWorld, newLedgerWorld } from '../support/ledger-world.ts';
import { encoded, messageAt } from '../support/messages.ts';
import { breaks, calls } from '../support/world.ts';

/** Settings of a session that might change a value, its text form, or how a name is resolved. */
const HOSTILE = [
  'intervalstyle = sql_standard',
  "timezone = 'Asia/Kathmandu'",
  'bytea_output = escape',
  'extra_float_digits = -15',
  'array_nulls = off',
  'standard_conforming_strings = off',
  'quote_all_identifiers = on',
  'transform_null_equals = on',
  'search_path = decoy, public',
  'default_transaction_isolation = serializable',
  'default_transaction_deferrable = on',
  'statement_timeout = 1000',
  'lock_timeout = 1',
  'idle_in_transaction_session_timeout = 1000',
  'client_min_messages = error',
  'client_encoding = latin1',
  'row_security = off',
  'xmloption = document',
  'plan_cache_mode = force_custom_plan',
  'enable_partition_pruning = off',
  'session_replication_role = replica',
  'exit_on_error = on',
];

const values = [
  ...calls.events.slice(0, 60),
  { session_id: 'call', account_id: null, metric: llm({ request_id: 'twice' }) },
].map(encoded);
const other = encoded({
  session_id: 'call',
  metric: llm({ request_id: 'twice', prompt_tokens: 77 }),
});

/** Rows that must be the same under any settings. */
const ROWS = [
  `SELECT session_id, account_id, attributes, first_event_at, last_event_at, period::text
    FROM session ORDER BY 1`,
  `SELECT session_id, usage_type, provider, model, input_tokens, output_tokens,
    session_duration::text, audio_duration::text, event_count, first_event_at, last_event_at
    FROM session_model_usage ORDER BY 1, 2, 3, 4`,
  'SELECT * FROM usage_event ORDER BY session_id, kafka_offset, is_correction, request_id',
  `SELECT kafka_offset, reason, detail, schema_id, key, value, headers, record_timestamp
    FROM dead_letter ORDER BY 1`,
  `SELECT session_id, kafka_offset, request_id, applied_payload, conflicting_payload, resolution
    FROM event_conflict ORDER BY 1, 2`,
  'SELECT * FROM session_usage_summary ORDER BY session_id',
];

let reference: unknown[];
beforeAll(async () => {
  const world = await newLedgerWorld();
  reference = await everythingIn(world);
  await world.close();
});

/** Applies events, then their duplicates after a restart, dead letters and a decision on a conflict. */
async function everythingIn(world: LedgerWorld): Promise<unknown[]> {
  const { database } = world;
  const partition = await world.partition(0);
  const messages = values.map((value) => (offset: number) => messageAt(offset, value));
  await partition.book(world.ledger(), messages);
  // A ledger without a cache reads all of it back.
  const again = await partition.book(world.ledger(), messages);
  expect(again).toMatchObject({ status: 'applied', counts: { applied: 0 } });
  const disputed = partition.position;
  await partition.book(world.ledger(), [(offset) => messageAt(offset, other)]);
  await acceptConflict(database, {
    sessionId: 'call',
    topic: 'ledger-world',
    partition: 0,
    generation: 0,
    offset: disputed,
  });
  await inTransaction(database, (connection) =>
    keepDeadLetters(
      connection,
      { topic: 'ledger-world', partition: 0, generation: 0 },
      [
        {
          kind: 'dead_letter',
          offset: 1_000,
          reason: 'undecodable',
          detail: 'a "detail" with \\ and NULL',
          schemaId: null,
          record: {
            offset: 1_000,
            timestamp: 1_760_000_000_123,
            key: null,
            value: Buffer.from([0, 1, 92, 255]),
            headers: { name: 'value' },
          },
        },
      ],
      false,
    ),
  );
  expect(
    (await breaks(database)).filter(({ check }) => check !== 'dead_letters_are_there'),
  ).toEqual([]);
  const rows: unknown[] = [];
  for await (const row of usageRows(database)) rows.push(row);
  for (const sql of ROWS) {
    const { rows: found } = await database.query<Record<string, unknown>>(sql);
    // When a row was written is the only thing that may differ.
    rows.push(found.map(({ recorded_at: _, ...row }) => row));
  }
  return rows;
}

test.each(['SQL, DMY', 'German', 'Postgres, MDY', 'SQL, MDY'])(
  'the same rows and no event twice where DateStyle is %s and all other settings are unusual',
  async (dateStyle) => {
    const world = await newLedgerWorld(undefined, [`datestyle = '${dateStyle}'`, ...HOSTILE]);
    try {
      expect(await everythingIn(world)).toEqual(reference);
    } finally {
      await world.close();
    }
  },
);

test('how long a partition has been halted is exact where floats are printed with one digit', async () => {
  const world = await newLedgerWorld(undefined, HOSTILE);
  try {
    const { groupId } = await world.partition(0);
    await world.database.query(
      `UPDATE usage_ledger.consumer_position SET halted_at = now() - interval '151 seconds',
         halt_kind = 'dead_letter_limit', halt_why = 'too many'`,
    );
    const positions = await positionsOf(world.database, groupId, ['ledger-world']);
    const ages = [...positions.values()].map(({ halt }) => halt?.ageMs ?? 0);
    expect(ages).toEqual([expect.closeTo(151_000, -4)]);
  } finally {
    await world.close();
  }
});

test('time limits of the server that are shorter than a batch do not end it', async () => {
  const world = await newLedgerWorld(undefined, HOSTILE);
  try {
    const { rows: known } = await world.database.query(
      `SELECT FROM pg_settings WHERE name = 'transaction_timeout'`,
    );
    if (known.length > 0) {
      const name = new URL(world.settings.DATABASE_URL).pathname.slice(1);
      await world.database.query(`ALTER DATABASE ${name} SET transaction_timeout = 1000`);
    }
    for (let i = 0; i < 2; i += 1) {
      const { rows } = await inTransaction(world.database, (connection) =>
        connection.query('SELECT pg_sleep(1.3)'),
      );
      expect(rows).toHaveLength(1);
    }
  } finally {
    await world.close();
  }
});

let temporary: LedgerWorld | undefined;
afterAll(async () => {
  await temporary?.close();
});

// `verify` of 1,000 events took 20 s, of which 19 s were for the compilation of two queries.
test('no query is compiled', async () => {
  temporary = await newLedgerWorld(undefined, ['jit = on']);
  const shown = [await temporary.database.query('SHOW jit')];
  const snapshot = await readingSnapshot(temporary.database);
  shown.push(await snapshot.query('SHOW jit'));
  snapshot.release(true);
  expect(shown.map(({ rows }) => rows)).toEqual([[{ jit: 'off' }], [{ jit: 'off' }]]);
});

test("a temporary relation of the connection does not hide the ledger's", async () => {
  temporary ??= await newLedgerWorld();
  await inTransaction(temporary.database, async (connection) => {
    await connection.query('CREATE TEMPORARY TABLE session (session_id text)');
    const { rows } = await connection.query(`SELECT 'session'::regclass = $1::regclass AS ours`, [
      'usage_ledger.session',
    ]);
    expect(rows).toEqual([{ ours: true }]);
  });
});
