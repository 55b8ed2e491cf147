import { printable } from '../config/printable.ts';

export interface Column {
  readonly title: string;
  readonly align?: 'left' | 'right';
}

const GAP = 2;
/** Narrower columns cannot be read. */
const LEAST_WIDTH = 8;

/**
 * Rows as aligned text: a line of titles, a rule, then a line for each row. Control characters are
 * escaped. Cells that do not fit take several lines; nothing is left out.
 *
 * @param fit the columns of the terminal; `undefined`: as wide as the cells are
 */
export function alignedTable(
  columns: readonly Column[],
  cells: readonly (readonly string[])[],
  fit: number | undefined = process.stdout.columns,
): string {
  const escaped = cells.map((row) => row.map(printable));
  const widths = fitted(
    columns,
    columns.map(({ title }, i) =>
      escaped.reduce((width, row) => Math.max(width, row[i]?.length ?? 0), title.length),
    ),
    fit,
  );
  const titles = wrapped(
    columns.map(({ title }) => title),
    widths,
  );
  const rows = escaped.flatMap((row) => wrapped(row, widths));
  const line = (cells: readonly string[]) =>
    columns
      .map(({ align }, i) => {
        const cell = cells[i] ?? '';
        return align === 'right' ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0);
      })
      .join(' '.repeat(GAP))
      .trimEnd();
  return [
    ...titles.map(line),
    widths.map((width) => '─'.repeat(width)).join(' '.repeat(GAP)),
    ...rows.map(line),
  ].join('\n');
}

/** Narrows the widest columns of text until the table fits, as far as it can be read then. */
function fitted(columns: readonly Column[], widths: number[], fit: number | undefined): number[] {
  let over =
    widths.reduce((sum, width) => sum + width + GAP, -GAP) - (fit ?? Number.POSITIVE_INFINITY);
  const texts = widths.map((_, i) => i).filter((i) => columns[i]?.align !== 'right');
  while (over > 0) {
    const widest = texts.reduce(
      (a, b) => ((widths[b] ?? 0) > (widths[a] ?? 0) ? b : a),
      texts[0] ?? -1,
    );
    const width = widths[widest] ?? 0;
    if (width <= LEAST_WIDTH) break;
    widths[widest] = width - 1;
    over -= 1;
  }
  return widths;
}

/** A row as lines in which each cell fits; broken at blanks where there are some. */
function wrapped(row: readonly string[], widths: readonly number[]): string[][] {
  const pieces = row.map((cell, i) => brokenAt(cell, widths[i] ?? cell.length));
  const height = Math.max(1, ...pieces.map(({ length }) => length));
  return Array.from({ length: height }, (_, line) => pieces.map((cell) => cell[line] ?? ''));
}

function brokenAt(text: string, width: number): string[] {
  const pieces: string[] = [];
  let rest = text;
  while (rest.length > width) {
    const blank = rest.lastIndexOf(' ', width);
    const end = blank > 0 ? blank : width;
    pieces.push(rest.slice(0, end));
    rest = rest.slice(blank > 0 ? end + 1 : end);
  }
  return [...pieces, rest];
}

/** 1234567 as 1,234,567; the fraction is left as it is. */
export function grouped(value: string | number | bigint): string {
  const [whole = '', fraction] = String(value).split('.');
  const groups = whole.replace(/\B(?=(\d{3})+$)/g, ',');
  return fraction === undefined ? groups : `${groups}.${fraction}`;
}
