import { csvField, csvName } from '../config/csv.ts';
import { minorDigits, roundedText } from '../invoice/minor-units.ts';
import { DURATION_COLUMNS, USAGE_COLUMNS } from '../livekit/usage-columns.ts';
import type { Database } from '../postgres/database.ts';
import {
  GROUPINGS,
  type Grouping,
  groupedUsage,
  type UsageFilter,
  type UsageGroup,
} from '../report/grouped-usage.ts';
import { print, printJson } from './output.ts';
import { alignedTable, grouped } from './table.ts';

export interface GroupedReport extends UsageFilter {
  readonly by: Grouping;
  readonly top?: number | undefined;
  readonly format: 'table' | 'json' | 'csv';
}

/** Prints usage and cost by group; costs are exact in JSON and CSV, and rounded in the table. */
export async function printGrouped(database: Database, report: GroupedReport): Promise<void> {
  const { by, top, format } = report;
  const groups = await groupedUsage(database, by, report, top);
  if (format === 'json') printJson(groups.map((group) => jsonGroup(by, group)));
  else if (format === 'csv') for (const line of csvLines(by, groups)) print(line);
  else if (groups.length === 0) print('no usage there');
  else print(table(by, groups));
}

function jsonGroup(by: Grouping, { key, usage, cost }: UsageGroup): object {
  const exact = new Set<string>(DURATION_COLUMNS);
  const values = Object.entries(usage).map(([name, text]) => [
    name,
    exact.has(name) || !Number.isSafeInteger(Number(text)) ? text : Number(text),
  ]);
  return { ...keyed(by, key), ...Object.fromEntries(values), cost };
}

function keyed(by: Grouping, key: UsageGroup['key']): object {
  return Object.fromEntries(GROUPINGS[by].map((name, i) => [name, key[i]]));
}

/** A line for each currency of a group: one without a price has one line, with both left empty. */
function csvLines(by: Grouping, groups: readonly UsageGroup[]): string[] {
  const columns = [...USAGE_COLUMNS, 'event_count'] as const;
  const lines = groups.flatMap(({ key, usage, cost }) => {
    const fields = [
      ...key.map((value) => csvName(value ?? '')),
      ...columns.map((name) => csvField(usage[name])),
    ];
    const costs = Object.entries(cost);
    return (costs.length > 0 ? costs : [['', '']]).map((pair) => [...fields, ...pair].join(','));
  });
  return [[...GROUPINGS[by], ...columns, 'currency', 'cost'].join(','), ...lines];
}

function table(by: Grouping, groups: readonly UsageGroup[]): string {
  const right = (title: string) => ({ title, align: 'right' as const });
  const columns = [
    ...GROUPINGS[by].map((name) => ({
      title: name.replace('_id', '').replace('usage_type', 'kind'),
    })),
    ...['events', 'input tokens', 'cached', 'output tokens'].map(right),
    ...['characters', 'seconds', 'requests', 'cost'].map(right),
  ];
  const lines = groups.map(({ key, usage, cost }) => {
    const count = (text: string) => (text === '0' ? '' : grouped(text));
    const seconds = Number(usage.audio_duration) + Number(usage.session_duration);
    return [
      ...key.map((value) => (value ?? '').replace(/_usage$/, '')),
      count(usage.event_count),
      count(usage.input_tokens),
      count(usage.input_cached_tokens),
      count(usage.output_tokens),
      count(usage.characters_count),
      seconds === 0 ? '' : grouped(seconds.toFixed(3)),
      count(usage.total_requests),
      costText(cost),
    ];
  });
  return alignedTable(columns, lines);
}

function costText(cost: UsageGroup['cost']): string {
  return Object.entries(cost)
    .map(([currency, exact]) => `${grouped(roundedText(exact, minorDigits(currency)))} ${currency}`)
    .join(' + ');
}
