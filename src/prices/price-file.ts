import { CsvError, parse } from 'csv-parse/sync';
import { messageOf, WrongUsageError } from '../errors.ts';
import { PRICE_COLUMNS } from './price.ts';
import type { PriceText } from './read-line.ts';

/** A line of a file and where it is: `line 3` of CSV, `item 2` of JSON. */
export interface FileLine {
  readonly at: string;
  readonly text: PriceText;
  /** What is wrong with the line as a whole. */
  readonly problem?: string;
}

/**
 * The lines of a price file: JSON when its first character is a bracket, else CSV with a header. Every
 * value is the text that the file has, numbers of JSON included.
 *
 * @throws {WrongUsageError} when the file is neither, or when its header has other columns
 */
export function linesOf(file: string): FileLine[] {
  const text = file.replace(/^\uFEFF/, '');
  return text.trimStart().startsWith('[') ? linesOfJson(text) : linesOfCsv(text);
}

interface CsvRow {
  readonly record: string[];
  readonly info: { readonly lines: number };
}

function linesOfCsv(text: string): FileLine[] {
  const rows = csvRows(text);
  const [head, ...body] = rows;
  const header = head?.record.map((name) => name.trim()) ?? [];
  if (header.join() !== PRICE_COLUMNS.join()) {
    throw new WrongUsageError(
      `the header is ${JSON.stringify(header.join())}; expected ${PRICE_COLUMNS.join()}`,
    );
  }
  return body.map(({ record, info }) => {
    const at = `line ${info.lines}`;
    const values = PRICE_COLUMNS.map((column, i) => [column, record[i] ?? '']);
    const line = { at, text: Object.fromEntries(values) };
    if (record.length === PRICE_COLUMNS.length) return line;
    const problem = `has ${record.length} fields; expected ${PRICE_COLUMNS.length}`;
    return { ...line, problem };
  });
}

function csvRows(text: string): CsvRow[] {
  const options = { info: true, relax_column_count: true, skip_empty_lines: true } as const;
  try {
    return parse(text, options) as unknown as CsvRow[];
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    throw new WrongUsageError(`this is no CSV: ${error.message}`);
  }
}

const STRING_OR_NUMBER = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;

function linesOfJson(text: string): FileLine[] {
  // Numbers become strings of their digits: as doubles they would be rounded.
  const exact = text.replace(STRING_OR_NUMBER, (token) =>
    token.startsWith('"') ? token : `"${token}"`,
  );
  let items: unknown;
  try {
    JSON.parse(text);
    items = JSON.parse(exact);
  } catch (error) {
    throw new WrongUsageError(`this is no JSON: ${messageOf(error)}`);
  }
  return (items as unknown[]).map((item, i) => ({ at: `item ${i + 1}`, ...textOf(item) }));
}

function textOf(item: unknown): Omit<FileLine, 'at'> {
  if (typeof item !== 'object' || item === null || Array.isArray(item)) {
    return { text: {}, problem: 'is no object' };
  }
  const entries = Object.entries(item).filter(([, value]) => value !== null);
  const unknown = entries.find(([name]) => !PRICE_COLUMNS.some((column) => column === name));
  if (unknown !== undefined) {
    return { text: {}, problem: `has ${unknown[0]}; expected ${PRICE_COLUMNS.join(', ')}` };
  }
  const other = entries.find(([, value]) => typeof value !== 'string');
  if (other !== undefined) return { text: {}, problem: `${other[0]} is neither text nor number` };
  return { text: Object.fromEntries(entries) };
}
