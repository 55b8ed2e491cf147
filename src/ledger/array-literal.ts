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

export function byteaArray(values: readonly (Buffer | null)[]): string {
  return `{${values.map((value) => (value === null ? 'NULL' : `"\\\\x${value.toString('hex')}"`)).join(',')}}`;
}
