import { print } from '../../src/cli/command.ts';
import { alignedTable, grouped } from '../../src/cli/table.ts';
import { exportInvoice } from '../../src/invoice/export-invoice.ts';
import { totalsOf } from '../../src/invoice/totals.ts';
import type { Database } from '../../src/postgres/database.ts';
import { importPrices } from '../../src/prices/import-prices.ts';

const LINES_SHOWN = 6;

/** Round made-up figures: dimension, price and what it buys, for each usage type. */
const PRICES: Readonly<Record<string, readonly (readonly [string, string, string])[]>> = {
  llm_usage: [
    ['input_tokens', '2.00', '1000000'],
    ['input_cached_tokens', '0.50', '1000000'],
    ['input_audio_tokens', '40.00', '1000000'],
    ['output_tokens', '10.00', '1000000'],
    ['output_audio_tokens', '80.00', '1000000'],
    ['session_duration', '0.06', '60'],
  ],
  stt_usage: [
    ['audio_duration', '0.01', '60'],
    ['input_tokens', '1.00', '1000000'],
    ['output_tokens', '4.00', '1000000'],
  ],
  tts_usage: [
    ['characters_count', '20.00', '1000000'],
    ['audio_duration', '0.02', '60'],
    ['input_tokens', '1.00', '1000000'],
    ['output_tokens', '8.00', '1000000'],
  ],
  interruption_usage: [['total_requests', '0.001', '1']],
  eot_usage: [['total_requests', '0.001', '1']],
};

/** Imports made-up prices for whatever was used, and prints the invoice of an account. */
export async function printInvoice(database: Database): Promise<void> {
  const used = await database.query<{ usage_type: string; provider: string }>(
    'SELECT DISTINCT usage_type, provider FROM session_model_usage ORDER BY 1, 2',
  );
  await importPrices(database, priceFile(used.rows));
  const [account] = (
    await database.query<{ account_id: string; from: string; to: string }>(
      `SELECT account_id, min(day)::text AS from, max(day)::text AS to FROM account_daily_usage
      WHERE account_id IS NOT NULL GROUP BY 1 ORDER BY 1 LIMIT 1`,
    )
  ).rows;
  if (account === undefined) return;
  const { account_id: accountId, from, to } = account;
  const { lines, exportId } = await exportInvoice(database, { accountId, from, to }, true);
  const largest = lines.toSorted((a, b) => Number(b.amount) - Number(a.amount));
  const shown = largest.slice(0, LINES_SHOWN).map((line) => {
    const { day, provider, model, dimension, quantity, unit_price, per, cost, amount } = line;
    const price = `${unit_price} per ${grouped(per)}`;
    return [day, provider, model, dimension, grouped(quantity), price, shortened(cost), amount];
  });
  print(`\nThe invoice of ${accountId}, ${from} to ${to}, at made-up prices:\n`);
  const right = (title: string) => ({ title, align: 'right' as const });
  print(
    alignedTable(
      [
        { title: 'day' },
        { title: 'provider' },
        { title: 'model' },
        { title: 'dimension' },
        right('quantity'),
        right('price'),
        right('cost'),
        right('amount'),
      ],
      shown,
    ),
  );
  const totals = [...totalsOf(lines)].map(([currency, total]) => `${total} ${currency}`);
  print(
    `… the largest of ${lines.length} lines, ${totals.join(' + ')}${exportId === undefined ? ' (not complete)' : `, kept as ${exportId}`}`,
  );
}

function priceFile(used: readonly { usage_type: string; provider: string }[]): string {
  const header =
    'usage_type,provider,model,dimension,unit_price,per,currency,valid_from,valid_to\n';
  const rows = used.flatMap(({ usage_type: type, provider }) =>
    (PRICES[type] ?? []).map(
      ([dimension, price, per]) =>
        `${type},"${provider.replaceAll('"', '""')}",*,${dimension},${price},${per},USD,2020-01-01,\n`,
    ),
  );
  return header + rows.join('');
}

function shortened(cost: string): string {
  const [whole = '', decimals = ''] = cost.split('.');
  return decimals.length <= 6 ? cost : `${whole}.${decimals.slice(0, 6)}…`;
}
