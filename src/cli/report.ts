import { Option } from 'commander';
import { csvField, csvName } from '../config/csv.ts';
import { printableJson } from '../config/printable.ts';
import { CheckFailedError } from '../errors.ts';
import { DURATION_COLUMNS } from '../livekit/usage-columns.ts';
import { REPORT_COLUMNS, type ReportRow, usageRows } from '../report/usage-report.ts';
import { command, context, print, printAll } from './command.ts';
import { reachDatabase } from './dependencies.ts';
import { alignedTable, grouped } from './table.ts';

const TEXT_COLUMNS = new Set<string>(['session_id', 'usage_type', 'provider', 'model']);
const EXACT_COLUMNS = new Set<string>(DURATION_COLUMNS);

export function reportCommand() {
  return command('report', 'print usage per session and model')
    .option('--session <id>', 'only this session')
    .addOption(
      new Option('--format <format>', 'how to print it')
        .choices(['table', 'json', 'csv'])
        .default('table'),
    )
    .action(async (options: { session?: string; format: 'table' | 'json' | 'csv' }) => {
      const { settings } = context(['database']);
      const database = await reachDatabase(settings, 1);
      try {
        const rows = counted(usageRows(database, options.session));
        if (options.format === 'json') await printAll(jsonOf(rows));
        else if (options.format === 'csv') await printAll(csvOf(rows));
        else await printTable(rows, options.session);
        if (options.session !== undefined && rows.count === 0) {
          throw new CheckFailedError(`no usage for session ${options.session}`);
        }
      } finally {
        await database.end();
      }
    });
}

interface Counted extends AsyncIterable<ReportRow> {
  /** Rows so far. */
  readonly count: number;
}

function counted(rows: AsyncIterable<ReportRow>): Counted {
  let count = 0;
  return {
    get count() {
      return count;
    },
    async *[Symbol.asyncIterator]() {
      for await (const row of rows) {
        count += 1;
        yield row;
      }
    },
  };
}

async function* jsonOf(rows: AsyncIterable<ReportRow>): AsyncGenerator<string> {
  let separator = '[';
  for await (const row of rows) {
    const fields = REPORT_COLUMNS.map((name) => `"${name}": ${jsonValue(name, row[name])}`);
    yield printableJson(`${separator}\n  {${fields.join(', ')}}`);
    separator = ',';
  }
  yield separator === '[' ? '[]\n' : '\n]\n';
}

/**
 * JSON readers parse numbers as doubles. Durations are exact decimals, so they are always strings;
 * counts are numbers up to 2^53 and strings beyond.
 */
export function jsonValue(name: keyof ReportRow, text: string): string {
  const isCount = !TEXT_COLUMNS.has(name) && !EXACT_COLUMNS.has(name);
  return isCount && Number.isSafeInteger(Number(text)) ? text : JSON.stringify(text);
}

/** A row as a value for JSON. */
export function jsonRow(row: ReportRow): Record<string, string | number> {
  return Object.fromEntries(
    REPORT_COLUMNS.map((name) => [name, JSON.parse(jsonValue(name, row[name])) as string | number]),
  );
}

async function* csvOf(rows: AsyncIterable<ReportRow>): AsyncGenerator<string> {
  yield `${REPORT_COLUMNS.join(',')}\n`;
  for await (const row of rows) {
    const fields = REPORT_COLUMNS.map((name) =>
      TEXT_COLUMNS.has(name) ? csvName(row[name]) : csvField(row[name]),
    );
    yield `${fields.join(',')}\n`;
  }
}

async function printTable(rows: AsyncIterable<ReportRow>, session?: string): Promise<void> {
  const lines: string[][] = [];
  for await (const row of rows) lines.push(reportLine(row));
  if (lines.length > 0) print(usageTable(lines));
  else if (session === undefined) print('no usage yet');
}

/** A line of the table; values of zero are left empty. */
export function reportLine(row: ReportRow): string[] {
  const value = (name: keyof ReportRow) => (row[name] === '0' ? '' : grouped(row[name]));
  const seconds = DURATION_COLUMNS.map((name) => row[name]).find((text) => text !== '0');
  return [
    row.session_id,
    row.usage_type.replace('_usage', ''),
    row.provider,
    row.model,
    row.event_count,
    value('input_tokens'),
    value('input_cached_tokens'),
    value('output_tokens'),
    value('characters_count'),
    seconds === undefined ? '' : grouped(Number(seconds).toFixed(3)),
    value('total_requests'),
  ];
}

export function usageTable(lines: readonly (readonly string[])[]): string {
  const right = (title: string) => ({ title, align: 'right' as const });
  return alignedTable(
    [
      { title: 'session' },
      { title: 'kind' },
      { title: 'provider' },
      { title: 'model' },
      right('events'),
      right('input tokens'),
      right('cached'),
      right('output tokens'),
      right('characters'),
      right('seconds'),
      right('requests'),
    ],
    lines,
  );
}
