/** Columns of an exported line, in the order of the CSV. Numbers are exact decimals, as text. */
export const LINE_COLUMNS = [
  'line_id',
  'account_id',
  'day',
  'usage_type',
  'provider',
  'model',
  'dimension',
  'quantity',
  'unit_price',
  'per',
  'currency',
  'cost',
  'amount',
] as const;

/** A line of an invoice: what an account used on a day, of one dimension at one price. */
export type InvoiceLine = Readonly<Record<(typeof LINE_COLUMNS)[number], string>>;

/** A period: whole days of UTC, `to` included. As `2026-11-30`. */
export interface Period {
  readonly from: string;
  readonly to: string;
}

/** What is exported: the invoice of a period, or what came late to it. */
export interface Invoice extends Period {
  /** `undefined`: not kept, since the period is not complete. */
  readonly exportId: string | undefined;
  /** The export that the lines adjust; `undefined`: this is the invoice itself. */
  readonly adjusts: string | undefined;
  readonly accountId: string;
  readonly lines: readonly InvoiceLine[];
  /** SHA-256 of the lines as CSV, in hexadecimal. */
  readonly digest: string;
}
