import { Option } from 'commander';
import { csvField, csvName } from '../config/csv.ts';
import { printableJson } from '../config/printable.ts';
import { CheckFailedError, WrongUsageError } from '../errors.ts';
import { DURATION_COLUMNS } from '../livekit/usage-columns.ts';
import type { Database } from '../postgres/database.ts';
import { GROUPINGS, type Grouping, type UsageFilter } from '../report/grouped-usage.ts';
import { REPORT_COLUMNS, type ReportRow, usageRows } from '../report/usage-report.ts';
import { command, context, print, printAll } from './command.ts';
import { day, wholeNumber } from './options.ts';
import { reachDatabase } from './reach-database.ts';
import { printGrouped } from './report-by.ts';
import { alignedTable, grouped } from './table.ts';

const TEXT_COLUMNS = new Set<string>(['session_id', 'usage_type', 'provider', 'model']);
const EXACT_COLUMNS = new Set<string>(DURATION_COLUMNS);

interface ReportOptions extends UsageFilter {
  readonly session?: string;
  readonly format: 'table' | 'json' | 'csv';
  readonly by?: Grouping;
  readonly top?: number;
}

export function reportCommand() {
  return command('report', 'print usage per session and model, or by group with its cost')
    .option('--session <id>', 'only this session')
    .addOption(
      new Option('--by <group>', 'usage and cost by account, model, day or session').choices(
        Object.keys(GROUPINGS),
      ),
    )
    .option('--account <account>', 'with --by: only this account')
    .option('--from <day>', 'with --by: from this day on (UTC), such as 2026-11-01', day)
    .option('--to <day>', 'with --by: up to this day (UTC), included', day)
    .option(
      '--top <number>',
      'with --by: only the first groups; but for days, by currency and cost',
      wholeNumber(1),
    )
    .addOption(
      new Option('--format <format>', 'how to print it')
        .choices(['table', 'json', 'csv'])
        .default('table'),
    )
    .action(async (options: ReportOptions) => {
      requireFitting(options);
      const { settings } = context(['database']);
      const database = await reachDatabase(settings, 1);
      try {
        if (options.by !== undefined) await printGrouped(database, { ...options, by: options.by });
        else await printSessions(database, options);
      } finally {
        await database.end();
      }
    });
}

/** @throws {WrongUsageError} when options are given that do not go together */
function requireFitting({ session, by, account, from, to, top }: ReportOptions): void {
  const isFiltered = (account ?? from ?? to ?? top) !== undefined;
  if (by === undefined && isFiltered) {
    throw new WrongUsageError('--account, --from, --to and --top are for --by');
  }
  if (by !== undefined && session !== undefined) {
    throw new WrongUsageError('--session and --by do not go together');
  }
  if (from !== undefined && to !== undefined && from > to) {
    throw new WrongUsageError(`--to ${to}: expected a day not before --from ${from}`);
  }
}

async function printSessions(
  database: Database,
  { session, format }: Pick<ReportOptions, 'session' | 'format'>,
): Promise<void> {
  const rows = counted(usageRows(database, session));
  if (format === 'json') await printAll(jsonOf(rows));
  else if (format === 'csv') await printAll(csvOf(rows));
  else await printTable(rows, session);
  if (session !== undefined && rows.count === 0) {
    throw new CheckFailedError(`no usage for session ${session}`);
  }
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
