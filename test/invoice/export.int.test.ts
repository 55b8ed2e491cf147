import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { llm, stt } from '../identify/samples.ts';
import { cli } from '../support/cli.ts';
import { type BookedPartition, type LedgerWorld, newLedgerWorld } from '../support/ledger-world.ts';
import { encoded, messageAt } from '../support/messages.ts';
import { INSTALL_TIMEOUT_MS, pythonWith } from '../support/python-environment.ts';

const NOON = Date.UTC(2026, 9, 9, 12) / 1_000;
const DAY_S = 86_400;
const OCTOBER = ['--account', 'acme', '--from', '2026-10-01', '--to', '2026-10-31'];
const run = promisify(execFile);

let world: LedgerWorld;
let partition: BookedPartition;
let folder: string;
let emitted = 0;
beforeAll(async () => {
  world = await newLedgerWorld();
  folder = await mkdtemp(join(tmpdir(), 'usage-ledger-export-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
  await world.close();
});
beforeEach(async () => {
  await world.clear();
  partition = await world.partition(0);
  await world.database.query(
    `INSERT INTO model_price (usage_type, provider, model, dimension, unit_price, per, currency, valid_from)
     VALUES ('llm_usage', 'provider', '*', 'input_tokens', 3, 1000, 'USD', '2026-01-01'),
       ('llm_usage', 'provider', '*', 'output_tokens', 7, 1000, 'USD', '2026-01-01'),
       ('stt_usage', 'provider', '*', 'audio_duration', 1, 60, 'USD', '2026-01-01')`,
  );
  await use('call', { timestamp: NOON, prompt_tokens: 1_005, completion_tokens: 0 });
  await use('call', { timestamp: NOON + DAY_S, prompt_tokens: 10, completion_tokens: 3 });
  await appliedUntil('2026-11-01');
});

const env = () => ({ DATABASE_URL: world.settings.DATABASE_URL });
const exported = (...args: string[]) => cli(['export', ...args], env());

async function use(session: string, fields: Parameters<typeof llm>[0], account = 'acme') {
  emitted += 1;
  const metric = llm({
    prompt_cached_tokens: 0,
    request_id: `chatcmpl-B9MBs8CjcvOU${emitted}`,
    ...fields,
  });
  const value = encoded({ session_id: session, account_id: account, metric });
  await partition.book(world.ledger(), [(offset) => messageAt(offset, value)]);
}

async function appliedUntil(time: string) {
  await world.database.query('UPDATE consumer_position SET applied_until = $1', [
    `${time}T00:00:00Z`,
  ]);
}

/** The export's id, as it says on standard error. */
const idOf = ({ stderr }: { stderr: string }) => /^(export_\w+):/m.exec(stderr)?.[1] ?? '';

test('a line for each day, model and dimension, whose amounts add up to the invoice', async () => {
  const { code, stdout, stderr } = await exported(...OCTOBER, '--format', 'json');

  expect({ code, stderr }).toEqual({
    code: 0,
    stderr: expect.stringMatching(/3 lines, 3\.07 USD; sha256/),
  });
  const { lines, totals } = JSON.parse(stdout);
  expect(totals).toEqual({ USD: '3.07' });
  expect(lines).toMatchObject([
    {
      day: '2026-10-09',
      dimension: 'input_tokens',
      quantity: '1005',
      cost: '3.015',
      amount: '3.02',
    },
    { day: '2026-10-10', dimension: 'input_tokens', quantity: '10', cost: '0.03', amount: '0.03' },
    { day: '2026-10-10', dimension: 'output_tokens', quantity: '3', cost: '0.021', amount: '0.02' },
  ]);
});

test('a period that is not complete is refused, saying how far it is applied', async () => {
  await appliedUntil('2026-10-31');

  expect(await exported(...OCTOBER)).toEqual({
    code: 1,
    stdout: '',
    stderr: expect.stringMatching(
      /ledger-world\/0 is applied until 2026-10-31T00:00:00\.000Z; .*--incomplete/,
    ),
  });
  const shown = await exported(...OCTOBER, '--incomplete');
  expect(shown.code).toBe(0);
  expect(shown.stdout.split('\n')).toHaveLength(5);
  const { rows } = await world.database.query('SELECT FROM invoice_export');
  expect(rows).toEqual([]);
});

test('the same closed period is the same bytes, whatever came late, which is an adjustment', async () => {
  const first = await exported(...OCTOBER);
  await use('call', { timestamp: NOON + 1, prompt_tokens: 2, completion_tokens: 5 });

  const second = await exported(...OCTOBER);
  expect(second).toEqual(first);

  const late = await exported('--since-export', idOf(first), '--format', 'json');
  expect(late.code).toBe(0);
  expect(JSON.parse(late.stdout)).toMatchObject({
    adjusts: idOf(first),
    // 1,007 tokens are 3.021, and 3.02 was invoiced.
    totals: { USD: '0.04' },
    lines: [
      {
        day: '2026-10-09',
        dimension: 'input_tokens',
        quantity: '2',
        cost: '0.006',
        amount: '0.00',
      },
      {
        day: '2026-10-09',
        dimension: 'output_tokens',
        quantity: '5',
        cost: '0.035',
        amount: '0.04',
      },
    ],
  });
  expect(await exported('--since-export', idOf(first), '--format', 'json')).toEqual(late);
  const next = await exported('--since-export', idOf(late));
  expect(next.stderr).toMatch(/nothing came late since/);
});

test('a session whose account is put right is credited to the one and billed to the other', async () => {
  const first = await exported(...OCTOBER);
  const moved = await cli(
    ['sessions', 'set-account', '--session', 'call', '--account', 'other'],
    env(),
  );
  expect(moved.code).toBe(0);

  const credit = await exported('--since-export', idOf(first), '--format', 'json');
  expect(JSON.parse(credit.stdout).totals).toEqual({ USD: '-3.07' });
  const other = ['--account', 'other', ...OCTOBER.slice(2), '--format', 'json'];
  expect(JSON.parse((await exported(...other)).stdout).totals).toEqual({ USD: '3.07' });
});

test('what has no price is named', async () => {
  emitted += 1;
  const value = encoded({
    session_id: 'call',
    account_id: 'acme',
    metric: stt({
      timestamp: NOON,
      request_id: `stt-9f3b77aa1d${emitted}`,
      metadata: { model_name: 'nova', model_provider: 'elsewhere' },
    }),
  });
  await partition.book(world.ledger(), [(offset) => messageAt(offset, value)]);

  const { code, stderr } = await exported(...OCTOBER);

  expect({ code, stderr }).toEqual({
    code: 0,
    stderr: expect.stringMatching(
      /no price: audio_duration of stt_usage elsewhere nova, in 1 session\n/,
    ),
  });
});

test('open conflicts and dead letters of the period are counted on standard error only', async () => {
  await use('call', { timestamp: NOON, request_id: 'chatcmpl-B9MBs8CjcvOUtwice' });
  await use('call', {
    timestamp: NOON,
    request_id: 'chatcmpl-B9MBs8CjcvOUtwice',
    prompt_tokens: 1,
  });
  await world.database.query(
    `INSERT INTO dead_letter (kafka_topic, kafka_partition, kafka_offset, reason, detail, record_timestamp)
     VALUES ('other', 0, 1, 'undecodable', '', '2026-10-31T23:59:59Z'),
       ('other', 0, 2, 'undecodable', '', '2026-11-01T00:00:00Z')`,
  );

  const first = await exported(...OCTOBER);

  expect(first.stderr).toMatch(/open conflicts in sessions of acme in the period: 1; see/);
  expect(first.stderr).toMatch(/open dead letters of the period, of any account: 1; see/);
  await world.database.query(
    'UPDATE dead_letter SET resolved_at = now(); UPDATE event_conflict SET resolved_at = now()',
  );
  const second = await exported(...OCTOBER);
  expect(second.stdout).toBe(first.stdout);
  expect(second.stderr).not.toMatch(/open/);
});

test.each([
  [
    ['--account', 'acme', '--from', '2026-10-31', '--to', '2026-10-01'],
    /expected a day not before/,
  ],
  [['--account', 'acme', '--from', '2026-02-30', '--to', '2026-10-01'], /Expected a day such as/],
  [['--from', '2026-10-01', '--to', '2026-10-01'], /give --account, --from and --to/],
  [['--since-export', 'export_none'], /there is no such export/],
  [[...OCTOBER, '--output', '/nonexistent/file'], /--output \/nonexistent\/file: ENOENT/],
])('export %j is wrong usage', async (args, message) => {
  expect(await exported(...args)).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(message),
  });
});

test('two exports at once are one', async () => {
  const both = await Promise.all([exported(...OCTOBER), exported(...OCTOBER)]);
  expect(both[0]).toEqual(both[1]);
  expect(both[0]?.code).toBe(0);
});

test(
  'DuckDB reads CSV and Parquet, and their totals are those of the view',
  async () => {
    await use('short', { timestamp: NOON, prompt_tokens: 123_456_789, completion_tokens: 1 });
    const files = await Promise.all(
      ['csv', 'parquet'].map(async (format) => {
        const file = join(folder, `acme.${format}`);
        expect(await exported(...OCTOBER, '--format', format, '--output', file)).toMatchObject({
          code: 0,
        });
        return file;
      }),
    );
    const { rows } = await world.database.query(
      `SELECT trim_scale(sum(cost))::text AS cost FROM account_daily_cost WHERE account_id = 'acme'`,
    );
    const python = await pythonWith('duckdb', ['duckdb==1.4.2']);
    const script = `
import duckdb, sys
csv, parquet = sys.argv[1:]
print(duckdb.sql(f"SELECT sum(cost::DECIMAL(38,20)) FROM read_csv('{csv}', all_varchar=true)").fetchone()[0].normalize())
print(duckdb.sql(f"SELECT sum(cost) FROM '{parquet}'").fetchone()[0].normalize())
print(duckdb.sql(f"SELECT sum(quantity), max(day), count(DISTINCT line_id) FROM '{parquet}'").fetchone()[1:])
`;
    const { stdout } = await run(python, ['-c', script, ...files]);
    expect(stdout.split('\n').slice(0, 2)).toEqual([rows[0]?.cost, rows[0]?.cost]);
    expect(stdout).toContain('datetime.date(2026, 10, 10), 4)');
    expect((await readFile(files[0] ?? '', 'utf8')).split('\n')).toHaveLength(6);
  },
  INSTALL_TIMEOUT_MS,
);
