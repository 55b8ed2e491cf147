import type { PoisonResult } from './poison.ts';
import type { TortureResult } from './torture.ts';

/** Whether everything came out as it must. */
export function holds({ comparison, breaks }: TortureResult): boolean {
  return comparison.differences.length === 0 && breaks.length === 0;
}

/** The result in aligned lines. */
export function report(result: TortureResult): string {
  const { comparison, breaks, faults, kills, recoveryMs } = result;
  const sum = (counts: ReadonlyMap<string, number>) =>
    [...counts.values()].reduce((a, b) => a + b, 0);
  const worst = Math.max(0, ...recoveryMs.values());
  const lines: [string, string | number][] = [
    ['cycles', result.cycles],
    ['seconds', result.seconds],
    ['kills', sum(kills)],
    ...sorted(kills).map(([at, n]): [string, number] => [`  ${at}`, n]),
    ['faults, and the longest recovery', `${sum(faults)}, ${seconds(worst)}`],
    ...sorted(faults).map(([name, n]): [string, string] => [
      `  ${name}`,
      `${n}, ${seconds(recoveryMs.get(name) ?? 0)}`,
    ]),
    ['events', result.events],
    ['billable', result.billable],
    ['duplicates', result.duplicates],
    ['rows compared', comparison.rows],
    ['lost', comparison.lost],
    ['double', comparison.double],
    ['rows that differ', comparison.differences.length],
    ['breaks in the books', breaks.length],
    ['memory of a worker', `${Math.round(result.peakMemory / 1_048_576)} MB at most`],
  ];
  const details = [...comparison.differences, ...breaks.map((each) => JSON.stringify(each))];
  return aligned(lines, details);
}

/** The same of poison. */
export function poisonReport(result: PoisonResult): string {
  const { poison, neighbours, counts, reasons, problems } = result;
  const lines: [string, string | number][] = [
    ['malformed messages', poison],
    ['messages among them', neighbours],
    ...Object.entries(counts),
    ...Object.entries(reasons).map(([reason, n]): [string, number] => [`  ${reason}`, n]),
    ['problems', problems.length],
  ];
  return aligned(lines, problems);
}

const MOST_DETAILS = 20;

function aligned(lines: readonly [string, string | number][], details: readonly string[]): string {
  const width = Math.max(...lines.map(([label]) => label.length));
  return [
    ...lines.map(([label, value]) => `${label.padEnd(width)}  ${value}`),
    ...details.slice(0, MOST_DETAILS),
    '',
  ].join('\n');
}

function sorted(counts: ReadonlyMap<string, number>): [string, number][] {
  return [...counts].sort(([, a], [, b]) => b - a);
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}
