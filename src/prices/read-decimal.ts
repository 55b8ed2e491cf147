const DECIMAL = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,3}))?$/;
/** More digits than any price has; a cost has 30 decimal places. */
const MOST_DIGITS = 30;

/**
 * A decimal in its one form, without an exponent and without zeros at either end: no digit passes
 * through a double.
 *
 * @returns `undefined` when the text is no decimal, or has more than 30 digits on a side of the point
 */
export function readDecimal(text: string): string | undefined {
  const match = DECIMAL.exec(text.trim());
  if (match === null) return undefined;
  const [, sign, whole = '', fraction = '', exponent = '0'] = match;
  const digits = `${whole}${fraction}`;
  if (digits === '') return undefined;
  const point = whole.length + Number(exponent);
  const before = digits.slice(0, Math.max(point, 0)).padEnd(Math.max(point, 0), '0');
  const after = `${'0'.repeat(Math.max(-point, 0))}${digits.slice(Math.max(point, 0))}`;
  const left = before.replace(/^0+/, '');
  const right = after.replace(/0+$/, '');
  if (left.length > MOST_DIGITS || right.length > MOST_DIGITS) return undefined;
  const plain = right === '' ? left || '0' : `${left || '0'}.${right}`;
  return sign === '-' && plain !== '0' ? `-${plain}` : plain;
}
