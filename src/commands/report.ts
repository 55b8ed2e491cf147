import { Option } from 'commander';
import { DURATION_COLUMNS } from '../metrics/usage-columns.ts';
import { REPORT_COLUMNS, type ReportRow, usageRows } from '../report/usage-report.ts';
import { command, context, print } from './command.ts';
import { reachDatabase } from './dependencies.ts';
import { alignedTable, csvField, grouped } from './table.ts';

const TEXT_COLUMNS = new Set<string>(['session_id', 'usage_type', 'provider', 'model']);

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
        const rows = usageRows(database, options.session);
        if (options.format === 'json') await printJsonRows(rows);
        else if (options.format === 'csv') await printCsv(rows);
        else await printTable(rows, options.session);
      } finally {
        await database.end();
      }
    });
}

/** Numbers keep all their digits: they are written as Postgres prints them. */
async function printJsonRows(rows: AsyncIterable<ReportRow>): Promise<void> {
  let separator = '[';
  for await (const row of rows) {
    const fields = REPORT_COLUMNS.map((name) => {
      const value = TEXT_COLUMNS.has(name) ? JSON.stringify(row[name]) : row[name];
      return `"${name}": ${value}`;
    });
    process.stdout.write(`${separator}\n  {${fields.join(', ')}}`);
    separator = ',';
  }
  print(separator === '[' ? '[]' : '\n]');
}

async function printCsv(rows: AsyncIterable<ReportRow>): Promise<void> {
  print(REPORT_COLUMNS.join(','));
  for await (const row of rows) {
    print(REPORT_COLUMNS.map((name) => csvField(row[name])).join(','));
  }
}

async function printTable(rows: AsyncIterable<ReportRow>, session?: string): Promise<void> {
  const lines: string[][] = [];
  for await (const row of rows) lines.push(reportLine(row));
  if (lines.length === 0) {
    print(session === undefined ? 'no usage yet' : `no usage of session ${session}`);
    return;
  }
  print(usageTable(lines));
}

/** A report line for a person: what is not billed for a kind stays empty. */
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
