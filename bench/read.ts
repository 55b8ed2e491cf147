import { alignedTable } from '../src/cli/table.ts';
import { exportInvoice } from '../src/invoice/export-invoice.ts';
import { compactDue } from '../src/ledger/compact-sessions.ts';
import { type Database, openDatabase } from '../src/postgres/database.ts';
import { verify } from '../src/verify/verify.ts';
import { startStack } from '../tools/stack/stack.ts';
import { EVENTS_PER_CALL, prefillBilling } from './prefill-billing.ts';
import { servicesOf } from './services.ts';

/**
 * `npm run bench:read -- [entries]`: fills a ledger with ten million entries, or so many, of 90 days and 500
 * accounts, each in a page of its own; says how long what billing reads takes, warm, before and after
 * compaction.
 */
const entries = Number(process.argv[2] ?? 10_000_000);
const ROUNDS = 5;
const note = (line: string) => process.stderr.write(`${line}\n`);

const stack = await startStack({ progress: () => {} });
try {
  const services = servicesOf(stack);
  const bench = await services.freshDatabase();
  note(`filling the ledger with ${entries} entries …`);
  await prefillBilling(bench, entries, (done, all) => note(`  ${done} of ${all} calls`));
  const database = openDatabase(services.settings({ DATABASE_URL: bench.url }), 2);
  await database.query("SELECT set_config('search_path', 'usage_ledger', false)");
  const live = await measured(database);
  note('compacting …');
  const signal = new AbortController().signal;
  await compactDue(database, {
    quietS: 0,
    maxPagesPerS: Number.POSITIVE_INFINITY,
    signal,
    onCompacted: () => {},
  });
  await bench.query('VACUUM ANALYZE');
  const merged = await measured(database);
  const { ok } = await verify(database);
  process.stdout.write(
    `${alignedTable(
      [
        { title: `${entries} entries, milliseconds` },
        { title: 'as live traffic left them', align: 'right' },
        { title: 'compacted', align: 'right' },
      ],
      [...live].map(([name, ms]) => [name, ms.toFixed(1), (merged.get(name) ?? 0).toFixed(1)]),
    )}\nthe books ${ok ? 'balance' : 'DO NOT balance'}\n`,
  );
  await database.end();
  await bench.drop();
} finally {
  await stack.stop();
}

/** The median of each reading, after one that warms the caches. */
async function measured(database: Database): Promise<Map<string, number>> {
  const [period] = (
    await database.query<{
      from: string;
      to: string;
      day: string;
      largest: string;
      median: string;
    }>(
      `SELECT (current_date - 60)::text AS from, (current_date - 31)::text AS to,
        (current_date - 45)::text AS day,
        (SELECT account_id FROM session GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 1) AS largest,
        (SELECT account_id FROM session GROUP BY 1 ORDER BY count(*) DESC, 1 OFFSET 250 LIMIT 1) AS median`,
    )
  ).rows;
  if (period === undefined) throw new Error('the ledger is empty');
  const { from, to, day, largest, median } = period;
  const offset = Math.floor(entries / 2);
  const call = `call_${Math.floor(entries / EVENTS_PER_CALL / 2)}`;
  const monthOf = (relation: string, sums: string, account: string) =>
    `SELECT usage_type, provider, model, ${sums} FROM ${relation}
     WHERE account_id = '${account}' AND day BETWEEN '${from}' AND '${to}' GROUP BY 1, 2, 3`;
  const usage = 'sum(input_tokens), sum(output_tokens), sum(audio_duration), sum(characters_count)';
  const queries: Record<string, string> = {
    'usage of an account-month, largest account': monthOf('account_daily_usage', usage, largest),
    'cost of an account-month, largest account': monthOf(
      'account_daily_cost',
      'sum(cost)',
      largest,
    ),
    'usage of an account-month, median account': monthOf('account_daily_usage', usage, median),
    'cost of an account-month, median account': monthOf('account_daily_cost', 'sum(cost)', median),
    "usage of all accounts' day": `SELECT usage_type, provider, model, ${usage} FROM account_daily_usage
      WHERE day = '${day}' GROUP BY 1, 2, 3`,
    "cost of all accounts' day": `SELECT usage_type, provider, model, sum(cost) FROM account_daily_cost
      WHERE day = '${day}' GROUP BY 1, 2, 3`,
    'cost of a session': `SELECT * FROM session_cost WHERE session_id = '${call}'`,
    'items of a session': `SELECT * FROM usage_event WHERE session_id = '${call}' ORDER BY event_at`,
    'event at an offset': `SELECT * FROM usage_event_at('calls', 0, ${offset})`,
    'changes since a cursor, 1,000': `SELECT * FROM usage_change
      WHERE change_id > (SELECT max(change_id) FROM usage_change) - 3000 ORDER BY change_id LIMIT 1000`,
  };
  // What took these readings before there were indexes and sums by day: all pages are read.
  const fromLedger: Record<string, string> = {
    'usage of an account-month, largest account, from usage_event': `
      SELECT usage_type, provider, model, ${usage} FROM usage_event JOIN session USING (session_id)
      WHERE account_id = '${largest}' AND event_at >= '${from}' AND event_at < '${to}'::date + 1
      GROUP BY 1, 2, 3`,
    "usage of all accounts' day, from usage_event": `
      SELECT usage_type, provider, model, ${usage} FROM usage_event
      WHERE event_at >= '${day}' AND event_at < '${day}'::date + 1 GROUP BY 1, 2, 3`,
    'event at an offset, from usage_event': `SELECT * FROM usage_event
      WHERE kafka_topic = 'calls' AND kafka_partition = 0 AND kafka_offset = ${offset}`,
  };
  const times = new Map<string, number>();
  for (const [name, sql] of Object.entries(queries)) {
    times.set(name, await medianOf(ROUNDS, () => database.query(sql)));
  }
  for (const [name, sql] of Object.entries(fromLedger)) {
    times.set(name, await medianOf(1, () => database.query(sql)));
  }
  const invoice = { accountId: largest, from, to };
  const exported = await medianOf(ROUNDS, async () => {
    await exportInvoice(database, invoice, false);
    await database.query('DELETE FROM invoice_line; DELETE FROM invoice_export');
  });
  times.set('export of an account-month, largest account', exported);
  return times;
}

async function medianOf(rounds: number, work: () => Promise<unknown>): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i <= rounds; i += 1) {
    const begun = performance.now();
    await work();
    if (i > 0) times.push(performance.now() - begun);
  }
  return times.toSorted((a, b) => a - b)[Math.floor(rounds / 2)] ?? 0;
}
