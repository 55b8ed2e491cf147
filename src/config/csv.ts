/** A field of CSV (RFC 4180). */
export function csvField(value: string): string {
  return /[",\r\n]/.test(value) ? quoted(value) : value;
}

/** What a spreadsheet takes for a formula, also in the wide forms of East Asian keyboards. */
const FORMULA = /^[=+\-@\t\r\n＝＋－＠]/;

/**
 * A name in CSV. Senders choose names, and a spreadsheet would run one that looks like a formula: a
 * leading apostrophe makes it text. Use `csvField` for numbers, which may be negative.
 */
export function csvName(value: string): string {
  return FORMULA.test(value) ? quoted(`'${value}`) : csvField(value);
}

function quoted(value: string): string {
  return `"${value.replaceAll('"', '""')}"`;
}
