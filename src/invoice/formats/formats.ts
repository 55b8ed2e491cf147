import type { Invoice } from '../invoice-line.ts';
import { invoiceCsv } from './csv.ts';
import { invoiceJson } from './json.ts';
import { lagoEvents, openMeterEvents, stripeMeterEvents } from './metering.ts';
import { invoiceParquet } from './parquet.ts';

type Render = (invoice: Invoice) => string | Promise<Uint8Array>;

/** How an invoice can be written. */
export const INVOICE_FORMATS = {
  csv: ({ lines }) => invoiceCsv(lines),
  json: invoiceJson,
  parquet: invoiceParquet,
  openmeter: ({ lines }) => openMeterEvents(lines),
  'stripe-meter-events': ({ lines }) => stripeMeterEvents(lines),
  lago: ({ lines }) => lagoEvents(lines),
} as const satisfies Record<string, Render>;

export type InvoiceFormat = keyof typeof INVOICE_FORMATS;
