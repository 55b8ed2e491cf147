import type { parquetWriteBuffer } from 'hyparquet-writer';
import { CheckFailedError } from '../../errors.ts';
import { type Invoice, type InvoiceLine, LINE_COLUMNS } from '../invoice-line.ts';

type SchemaElement = NonNullable<Parameters<typeof parquetWriteBuffer>[0]['schema']>[number];

/** The most that decimals of 128 bits hold, which every reader of Parquet knows. */
const PRECISION = 38;
const BYTES = 16;
const SCALES: Partial<Record<keyof InvoiceLine, number>> = {
  quantity: 18,
  unit_price: 18,
  per: 18,
  cost: 30,
  amount: 4,
};

/**
 * Parquet: a column each for what the CSV has; numbers are decimals of 128 bits. The library is loaded on
 * first use.
 *
 * @throws {CheckFailedError} when a number does not fit, rather than rounding it
 */
export async function invoiceParquet({ lines, exportId, digest }: Invoice): Promise<Uint8Array> {
  const { parquetWriteBuffer } = await import('hyparquet-writer');
  const bytes = parquetWriteBuffer({
    schema: [{ name: 'root', num_children: LINE_COLUMNS.length }, ...LINE_COLUMNS.map(elementOf)],
    columnData: LINE_COLUMNS.map((name) => ({
      name,
      data: lines.map((line) => cellOf(name, line)),
    })),
    kvMetadata: [
      { key: 'export_id', value: exportId ?? '' },
      { key: 'digest', value: digest },
    ],
  });
  return new Uint8Array(bytes);
}

function elementOf(name: keyof InvoiceLine): SchemaElement {
  const column = { name, repetition_type: 'REQUIRED' } as const;
  const scale = SCALES[name];
  if (scale !== undefined) {
    const decimal = { converted_type: 'DECIMAL', precision: PRECISION, scale } as const;
    return { ...column, type: 'FIXED_LEN_BYTE_ARRAY', type_length: BYTES, ...decimal };
  }
  if (name === 'day') return { ...column, type: 'INT32', converted_type: 'DATE' };
  return { ...column, type: 'BYTE_ARRAY', converted_type: 'UTF8' };
}

function cellOf(name: keyof InvoiceLine, line: InvoiceLine): string | bigint | Date {
  const scale = SCALES[name];
  if (scale !== undefined) return unscaled(line[name], scale);
  return name === 'day' ? new Date(`${line.day}T00:00:00Z`) : line[name];
}

function unscaled(text: string, scale: number): bigint {
  const [whole = '', decimals = ''] = text.split('.');
  const units = BigInt(whole + decimals.padEnd(scale, '0'));
  if (decimals.length <= scale && String(units).replace('-', '').length <= PRECISION) return units;
  throw new CheckFailedError(
    `${text} does not fit into a Parquet decimal with ${scale} decimals; use --format csv`,
  );
}
