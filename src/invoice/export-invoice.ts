import { WrongUsageError } from '../errors.ts';
import { type Connection, type Database, inTransaction } from '../postgres/database.ts';
import { requireComplete, whyIncomplete } from './completeness.ts';
import { invoiceCsv } from './formats/csv.ts';
import { type Invoice, type InvoiceLine, LINE_COLUMNS, type Period } from './invoice-line.ts';
import { decimalOf, minorDigits, roundHalfEven } from './minor-units.ts';
import { requirePriced } from './remarks.ts';
import { digestOf, stableId } from './stable-id.ts';
import {
  type DueRow,
  type ExportRow,
  findExport,
  findExportById,
  insertExport,
  insertLines,
  type LineKey,
  lockAccount,
  readDue,
  readLines,
} from './statements.ts';

interface Wanted extends Period {
  readonly accountId: string;
  /** 0: the invoice; else the number of the adjustment. */
  readonly sequence: number;
}

/**
 * The invoice of an account for a period. The first call keeps it; every later one returns the same
 * lines, whatever came late since.
 *
 * @param mayBeIncomplete a period that is not complete is shown, and not kept
 * @throws {CheckFailedError} when the period is not complete, or nothing that was used has a price
 */
export async function exportInvoice(
  database: Database,
  { accountId, from, to }: Period & { accountId: string },
  mayBeIncomplete: boolean,
): Promise<Invoice> {
  return inTransaction(database, async (connection) => {
    const wanted = { accountId, from, to, sequence: 0 };
    await lockAccount.run(connection, { accountId });
    const [kept] = await findExport.run(connection, wanted);
    if (kept !== undefined) return keptInvoice(connection, kept, undefined);
    const why = await whyIncomplete(connection, to);
    if (!mayBeIncomplete) requireComplete(why);
    const lines = await dueLines(connection, wanted);
    if (lines.length === 0) await requirePriced(connection, wanted);
    return why === undefined
      ? keep(connection, wanted, lines, undefined)
      : invoiceOf(wanted, lines, undefined, undefined);
  });
}

/**
 * What came late to a period since one of its exports, as signed differences: they and all lines
 * exported before add up to what the invoice would be now. Kept like an invoice, unless there is none.
 *
 * @param expected what the export must be of
 * @throws {WrongUsageError} when there is no such export, or it is of something else
 */
export async function exportAdjustment(
  database: Database,
  exportId: string,
  expected: Partial<Period & { accountId: string }> = {},
): Promise<Invoice> {
  return inTransaction(database, async (connection) => {
    const [base] = await findExportById.run(connection, { exportId });
    if (base === undefined) {
      throw new WrongUsageError(`--since-export ${exportId}: there is no such export`);
    }
    const { account_id: accountId, first_day: from, last_day: to } = base;
    const isExpected =
      (expected.accountId ?? accountId) === accountId &&
      (expected.from ?? from) === from &&
      (expected.to ?? to) === to;
    if (!isExpected) {
      const of = `${accountId}, ${from} to ${to}`;
      throw new WrongUsageError(`--since-export ${exportId}: that export is of ${of}`);
    }
    const wanted = { accountId, from, to, sequence: base.sequence + 1 };
    await lockAccount.run(connection, { accountId });
    const [kept] = await findExport.run(connection, wanted);
    if (kept !== undefined) return keptInvoice(connection, kept, exportId);
    const lines = await dueLines(connection, wanted);
    return lines.length > 0
      ? keep(connection, wanted, lines, exportId)
      : invoiceOf(wanted, lines, undefined, exportId);
  });
}

async function dueLines(connection: Connection, wanted: Wanted): Promise<InvoiceLine[]> {
  // A month of a large account may take minutes: nothing waits for it but another export of the account.
  await connection.query('SET LOCAL statement_timeout = 0');
  const rows = await readDue.run(connection, wanted);
  return rows.map((row) => lineOf(wanted, row));
}

function lineOf({ accountId, from, to, sequence }: Wanted, row: DueRow): InvoiceLine {
  const { total_cost: total, exported, ...line } = row;
  const digits = minorDigits(line.currency);
  const due = roundHalfEven(total, digits) - roundHalfEven(exported, digits);
  const key = keyOf(line);
  return inOrder({
    ...line,
    account_id: accountId,
    line_id: stableId('line', [accountId, from, to, sequence, ...key]),
    amount: decimalOf(due, digits),
  });
}

/** A kept line must have the bytes of the one that was made, in every format. */
function inOrder(line: InvoiceLine): InvoiceLine {
  return Object.fromEntries(LINE_COLUMNS.map((name) => [name, line[name]])) as InvoiceLine;
}

function keyOf(line: LineKey): string[] {
  const { day, usage_type, provider, model, dimension, unit_price, per, currency } = line;
  return [day, usage_type, provider, model, dimension, unit_price, per, currency];
}

async function keep(
  connection: Connection,
  wanted: Wanted,
  lines: readonly InvoiceLine[],
  adjusts: string | undefined,
): Promise<Invoice> {
  const { accountId, from, to, sequence } = wanted;
  const exportId = stableId('export', [accountId, from, to, sequence]);
  const invoice = invoiceOf(wanted, lines, exportId, adjusts);
  const { digest } = invoice;
  await insertExport.run(connection, { ...wanted, exportId, lineCount: lines.length, digest });
  await insertLines.run(connection, { exportId, lines: JSON.stringify(lines) });
  return invoice;
}

async function keptInvoice(
  connection: Connection,
  kept: ExportRow,
  adjusts: string | undefined,
): Promise<Invoice> {
  const { account_id, first_day: from, last_day: to, export_id: exportId, sequence } = kept;
  const rows = await readLines.run(connection, { exportId });
  const lines = rows.map((row) => inOrder({ ...row, account_id }));
  return invoiceOf({ accountId: account_id, from, to, sequence }, lines, exportId, adjusts);
}

function invoiceOf(
  { accountId, from, to }: Wanted,
  lines: readonly InvoiceLine[],
  exportId: string | undefined,
  adjusts: string | undefined,
): Invoice {
  return { accountId, from, to, lines, exportId, adjusts, digest: digestOf(invoiceCsv(lines)) };
}
