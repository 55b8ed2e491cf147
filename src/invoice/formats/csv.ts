import { csvField, csvName } from '../../config/csv.ts';
import { type InvoiceLine, LINE_COLUMNS } from '../invoice-line.ts';

/** Chosen by whoever sends events. */
const NAMES = new Set<string>(['account_id', 'provider', 'model']);

/** CSV (RFC 4180) with a header. */
export function invoiceCsv(lines: readonly InvoiceLine[]): string {
  const rows = lines.map((line) =>
    LINE_COLUMNS.map((name) => (NAMES.has(name) ? csvName(line[name]) : csvField(line[name]))),
  );
  return [LINE_COLUMNS, ...rows].map((fields) => `${fields.join(',')}\n`).join('');
}
