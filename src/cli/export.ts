import { writeFile } from 'node:fs/promises';
import { Option } from 'commander';
import { messageOf, WrongUsageError } from '../errors.ts';
import { exportAdjustment, exportInvoice } from '../invoice/export-invoice.ts';
import { INVOICE_FORMATS, type InvoiceFormat } from '../invoice/formats/formats.ts';
import type { Invoice, Period } from '../invoice/invoice-line.ts';
import { remarksOn } from '../invoice/remarks.ts';
import { totalsOf } from '../invoice/totals.ts';
import type { Database } from '../postgres/database.ts';
import { command, context, note } from './command.ts';
import { day } from './options.ts';
import { reachDatabase } from './reach-database.ts';

interface Options {
  readonly account?: string;
  readonly from?: string;
  readonly to?: string;
  readonly format: InvoiceFormat;
  readonly incomplete: boolean;
  readonly sinceExport?: string;
  readonly output?: string;
}

export function exportCommand() {
  return command('export', 'print the invoice lines of an account for a closed period')
    .option('--account <account>', 'the account to be invoiced')
    .option('--from <day>', 'first day of the period (UTC), such as 2026-11-01', day)
    .option('--to <day>', 'last day of the period (UTC), included', day)
    .addOption(
      new Option('--format <format>', 'how to write it')
        .choices(Object.keys(INVOICE_FORMATS))
        .default('csv'),
    )
    .option('--incomplete', 'also a period that is not complete; it is not kept', false)
    .option('--since-export <id>', 'what came late to the period since this export of it')
    .option('--output <file>', 'write to a file instead of standard output')
    .action(async (options: Options) => {
      const wanted = wantedOf(options);
      if (options.format === 'parquet' && options.output === undefined && process.stdout.isTTY) {
        throw new WrongUsageError('--format parquet: give --output, a terminal cannot show it');
      }
      const { settings } = context(['database']);
      const database = await reachDatabase(settings, 1);
      try {
        const invoice =
          'exportId' in wanted
            ? await exportAdjustment(database, wanted.exportId, wanted)
            : await exportInvoice(database, wanted, options.incomplete);
        await write(await INVOICE_FORMATS[options.format](invoice), options.output);
        await summarize(database, invoice);
      } finally {
        await database.end();
      }
    });
}

type Invoiced = Period & { accountId: string };

function wantedOf(options: Options): Invoiced | ({ exportId: string } & Partial<Invoiced>) {
  const { account, from, to, sinceExport } = options;
  if (sinceExport !== undefined) {
    return {
      exportId: sinceExport,
      ...(account !== undefined && { accountId: account }),
      ...(from !== undefined && { from }),
      ...(to !== undefined && { to }),
    };
  }
  if (account === undefined || from === undefined || to === undefined) {
    throw new WrongUsageError('give --account, --from and --to, or --since-export');
  }
  if (from > to) throw new WrongUsageError(`--to ${to}: expected a day not before --from ${from}`);
  return { accountId: account, from, to };
}

async function write(content: string | Uint8Array, output: string | undefined): Promise<void> {
  if (output === undefined) {
    await new Promise<void>((resolve) => {
      process.stdout.write(content, () => resolve());
    });
    return;
  }
  try {
    await writeFile(output, content);
  } catch (error) {
    throw new WrongUsageError(`--output ${output}: ${messageOf(error)}`, { cause: error });
  }
}

/** Says on standard error what was exported, and what is missing from it. */
async function summarize(database: Database, invoice: Invoice): Promise<void> {
  const { exportId, adjusts, accountId, from, to, lines, digest } = invoice;
  const totals = [...totalsOf(lines)].map(([currency, total]) => `${total} ${currency}`);
  const what = `${accountId}, ${from} to ${to}: ${lines.length} lines, ${totals.join(' + ') || 'nothing'}`;
  if (exportId !== undefined) note(`${exportId}: ${what}; sha256 ${digest}`);
  else if (adjusts !== undefined) note(`nothing came late since ${adjusts}`);
  else note(`not complete, and not kept: ${what}`);
  for (const remark of await remarksOn(database, invoice)) note(remark);
}
