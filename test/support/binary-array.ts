import { OID } from '../../src/postgres/binary-values.ts';

/** Number of fractional digits. */
const MOST_DIGITS = 400;

/** The elements of an array in the binary form of Postgres, as texts, or null. */
export function elementsOf(array: Buffer): (string | null)[] {
  const elementOid = array.readInt32BE(8);
  const elements: (string | null)[] = [];
  for (let at = 20; at < array.length; ) {
    const length = array.readInt32BE(at);
    at += 4;
    elements.push(length < 0 ? null : textOf(elementOid, array.subarray(at, at + length)));
    at += Math.max(length, 0);
  }
  return elements;
}

function textOf(oid: number, value: Buffer): string {
  switch (oid) {
    case OID.text:
      return value.toString('utf8');
    case OID.int8:
      return String(value.readBigInt64BE());
    case OID.numeric:
      return numericOf(value);
    default:
      throw new Error(`an element of type ${oid}`);
  }
}

/** Groups of four digits; the first one's weight is a power of 10,000. */
function numericOf(value: Buffer): string {
  const weight = value.readInt16BE(2);
  const scale = value.readInt16BE(6);
  let units = 0n;
  for (let i = 0; i < value.readInt16BE(); i += 1) {
    // In units of the last digit of any numeric here.
    units += BigInt(value.readInt16BE(8 + i * 2)) * 10n ** BigInt(4 * (weight - i) + MOST_DIGITS);
  }
  const digits = String(units).padStart(MOST_DIGITS + 1, '0');
  const fraction = digits.slice(-MOST_DIGITS).slice(0, scale);
  return `${digits.slice(0, -MOST_DIGITS)}${fraction === '' ? '' : `.${fraction}`}`;
}
