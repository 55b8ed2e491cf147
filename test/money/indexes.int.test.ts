import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { EVENTS_PER_CALL, prefillBilling } from '../../bench/prefill-billing.ts';
import { readDue, readUnpriced } from '../../src/invoice/statements.ts';
import type { Statement } from '../../src/postgres/statement.ts';
import { type LedgerWorld, newLedgerWorld } from '../support/ledger-world.ts';

const CALLS = 2_000;
const MONTH = `day BETWEEN current_date - 60 AND current_date - 31`;

interface Node {
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string;
  readonly 'Index Name'?: string;
  readonly Plans?: readonly Node[];
}

/** What a plan reads: large tables as a whole, and indexes, those of partitions by their parent's name. */
interface Reads {
  readonly whole: ReadonlySet<string>;
  readonly indexes: ReadonlySet<string>;
}

let world: LedgerWorld;
let client: pg.Client;
let account: string;
let from: string;
let to: string;
const parents = new Map<string, string>();
/** Tables and partitions with as many rows as there are calls, or more. */
const large = new Set<string>();
beforeAll(async () => {
  world = await newLedgerWorld();
  client = new pg.Client({
    connectionString: world.settings.DATABASE_URL,
    options: '-c search_path=usage_ledger',
  });
  await client.connect();
  const database = { query: async (sql: string) => (await client.query(sql)).rows };
  await prefillBilling(database, CALLS * EVENTS_PER_CALL, () => {});
  const { rows } = await client.query(`SELECT child.relname AS child, parent.relname AS parent
    FROM pg_inherits JOIN pg_class AS child ON child.oid = inhrelid
    JOIN pg_class AS parent ON parent.oid = inhparent`);
  for (const { child, parent } of rows) parents.set(child, parent);
  const tables = await client.query(
    `SELECT relname FROM pg_class WHERE relkind = 'r' AND reltuples >= ${CALLS}`,
  );
  for (const { relname } of tables.rows) large.add(relname);
  // Neither one of the few that have most of the calls, nor one with hardly any.
  const chosen = await client.query(`SELECT (current_date - 60)::text AS from,
    (current_date - 31)::text AS to, account_id AS account
    FROM session GROUP BY account_id ORDER BY count(*) DESC, account_id OFFSET 50 LIMIT 1`);
  ({ account, from, to } = chosen.rows[0]);
}, 60_000);
afterAll(async () => {
  await client.end();
  await world.close();
});

async function readsOf(sql: string, values: readonly unknown[] = []): Promise<Reads> {
  const { rows } = await client.query(`EXPLAIN (FORMAT JSON) ${sql}`, [...values]);
  const whole = new Set<string>();
  const indexes = new Set<string>();
  const visit = (node: Node) => {
    const { 'Node Type': type, 'Relation Name': table = '', 'Index Name': index } = node;
    if (type === 'Seq Scan' && large.has(table)) whole.add(table);
    if (index !== undefined) indexes.add(parents.get(index) ?? index);
    node.Plans?.forEach(visit);
  };
  visit(rows[0]['QUERY PLAN'][0].Plan);
  return { whole, indexes };
}

/** The same of a statement of the program. */
async function readsOfStatement<P extends object>(
  statement: Statement<P, pg.QueryResultRow>,
  parameters: P,
): Promise<Reads> {
  let values: unknown[] = [];
  const kept = {
    query: (query: { values: unknown[] }) => {
      values = query.values;
      return { rows: [] };
    },
  };
  await statement.run(kept as never, parameters);
  return readsOf(statement.text, values);
}

/** @param expected the indexes that must be among those that are used */
function expectByIndex({ whole, indexes }: Reads, ...expected: string[]): void {
  expect([...whole]).toEqual([]);
  expect([...indexes]).toEqual(expect.arrayContaining(expected));
}

const SUMS = 'SELECT usage_type, provider, model, sum(';

test('there are statistics by which an index is chosen or not', () => {
  expect([...large]).toEqual(expect.arrayContaining(['session', 'session_model_usage']));
});

test.each([
  ['usage', 'account_daily_usage', 'input_tokens'],
  ['cost', 'account_daily_cost', 'cost'],
])("an account's month by model is read by account: %s", async (_, relation, column) => {
  const reads = await readsOf(`${SUMS}${column}) FROM ${relation}
    WHERE account_id = '${account}' AND ${MONTH} GROUP BY 1, 2, 3`);
  expectByIndex(reads, 'session_by_account', 'session_model_usage_key');
});

test.each([
  ['usage', 'account_daily_usage', 'input_tokens'],
  ['cost', 'account_daily_cost', 'cost'],
])("all accounts' day by model is read by day: %s", async (_, relation, column) => {
  const reads = await readsOf(`${SUMS}${column}) FROM ${relation}
    WHERE day = current_date - 45 GROUP BY 1, 2, 3`);
  expectByIndex(reads, 'session_by_first_day', 'session_model_usage_key');
});

test("one session's cost is read by session", async () => {
  const reads = await readsOf("SELECT * FROM session_cost WHERE session_id = 'call_1000'");
  expectByIndex(reads, 'session_pkey', 'session_model_usage_key');
});

test('the event at an offset is read by partition and offset', async () => {
  const { rows } = await client.query(
    `SELECT prosrc FROM pg_proc WHERE oid = 'usage_event_at(text, integer, bigint)'::regprocedure`,
  );
  const body = String(rows[0].prosrc)
    .replaceAll('$1', "'calls'")
    .replaceAll('$2', '0')
    .replaceAll('$3', '50000::bigint');
  expectByIndex(await readsOf(body), 'ledger_page_offset', 'ledger_page_key');
});

test('changes since a cursor are read by their ids', async () => {
  const reads = await readsOf(`SELECT * FROM usage_change
    WHERE change_id > (SELECT max(change_id) FROM usage_change) - 3000
    ORDER BY change_id LIMIT 1000`);
  expectByIndex(reads, 'ledger_page_change', 'session_change_by_id');
});

test("an export of an account's month is read by account", async () => {
  const invoice = { accountId: account, from, to };
  const due = await readsOfStatement(readDue, { ...invoice, sequence: 0 });
  expectByIndex(due, 'session_by_account', 'session_model_usage_key');
  const unpriced = await readsOfStatement(readUnpriced, invoice);
  expectByIndex(unpriced, 'session_by_account', 'session_model_usage_key');
});
