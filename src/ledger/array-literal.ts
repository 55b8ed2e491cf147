/**
 * Arrays as Postgres reads them in text form. The driver would quote and escape every element; for
 * numbers that is most of the work of a batch.
 */
export function numberArray(values: readonly (number | bigint | string | null)[]): string {
  let text = '{';
  for (let i = 0; i < values.length; i += 1) text += `${i === 0 ? '' : ','}${values[i] ?? 'NULL'}`;
  return `${text}}`;
}

/** @param values well-formed texts without U+0000 */
export function textArray(values: readonly (string | null)[]): string {
  let text = '{';
  for (let i = 0; i < values.length; i += 1) {
    const value = values[i];
    if (i > 0) text += ',';
    text += value == null ? 'NULL' : quoted(value);
  }
  return `${text}}`;
}

const NEEDS_ESCAPE = /["\\]/;

function quoted(value: string): string {
  return NEEDS_ESCAPE.test(value) ? `"${value.replace(/["\\]/g, '\\$&')}"` : `"${value}"`;
}

const BYTEA_OID = 17;

/** In binary form: as text it would be twice as large, and a dead letter may be a megabyte. */
export function byteaArray(values: readonly (Buffer | null)[]): Buffer {
  const hasNulls = values.includes(null) ? 1 : 0;
  // Dimensions, whether there are nulls, the type; of the dimension: its length and first number.
  const header =
    values.length === 0 ? [0, 0, BYTEA_OID] : [1, hasNulls, BYTEA_OID, values.length, 1];
  const bytes = values.reduce((sum, value) => sum + 4 + (value?.length ?? 0), header.length * 4);
  const array = Buffer.allocUnsafe(bytes);
  let end = 0;
  for (const word of header) end = array.writeInt32BE(word, end);
  for (const value of values) {
    end = array.writeInt32BE(value?.length ?? -1, end);
    end += value?.copy(array, end) ?? 0;
  }
  return array;
}
