/**
 * Arrays as Postgres reads them in text form. The driver would quote and escape every element; for
 * numbers that is most of the work of a batch.
 */
export function numberArray(values: readonly (number | bigint | string | null)[]): string {
  const items = values.includes(null) ? values.map((value) => value ?? 'NULL') : values;
  return `{${items.join(',')}}`;
}

/** @param values well-formed texts without U+0000 */
export function textArray(values: readonly (string | null)[]): string {
  // Joined at once: to add text to text makes two objects for each element.
  if (values.length > 0 && values.every(isPlain)) return `{"${values.join('","')}"}`;
  return `{${values.map((value) => (value === null ? 'NULL' : quoted(value))).join(',')}}`;
}

const NEEDS_ESCAPE = /["\\]/;

function isPlain(value: string | null): boolean {
  return value !== null && !NEEDS_ESCAPE.test(value);
}

function quoted(value: string): string {
  return `"${value.replace(/["\\]/g, '\\$&')}"`;
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
