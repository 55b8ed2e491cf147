import { BinaryValues, OID } from './binary-values.ts';
import type { Decimal } from './decimal.ts';

/**
 * Arrays as parameters of statements, in binary form: they cross in a form that no setting changes,
 * and nothing in them is quoted or escaped.
 */
const HEADER_BYTES = 24;
/** About what an element takes; there is more room when that is not enough. */
const ELEMENT_BYTES = 24;

/** @param values well-formed texts without U+0000 */
export function textArray(values: readonly (string | null)[]): Buffer {
  return arrayOf(OID.text, values, (to, value) => to.text(value));
}

/** @throws {RangeError} when a value is no whole number of 32 bits */
export function int4Array(values: readonly (number | null)[]): Buffer {
  return arrayOf(OID.int4, values, (to, value) => to.int4(value));
}

/** @throws {RangeError} when a value is no whole number of 64 bits, or a number that is not exact */
export function int8Array(values: readonly (number | string | bigint | null)[]): Buffer {
  return arrayOf(OID.int8, values, (to, value) => to.int8(value));
}

export function numericArray(values: readonly (Decimal | null)[]): Buffer {
  return arrayOf(OID.numeric, values, (to, value) => to.numeric(value));
}

export function byteaArray(values: readonly (Buffer | null)[]): Buffer {
  const bytes = values.reduce((sum, value) => sum + (value?.length ?? 0), 0);
  return arrayOf(OID.bytea, values, (to, value) => to.byteaOf(value), bytes);
}

/** @param moreBytes that the elements take, in addition to a few for each */
function arrayOf<T>(
  elementOid: number,
  values: readonly (T | null)[],
  write: (to: BinaryValues, value: T) => void,
  moreBytes = 0,
): Buffer {
  const to = new BinaryValues(HEADER_BYTES + values.length * ELEMENT_BYTES + moreBytes);
  return to.array(elementOid, values.length, (i) => {
    const value = values[i] ?? null;
    if (value === null) to.null();
    else write(to, value);
  });
}
