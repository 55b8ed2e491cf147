import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { alignedTable } from '../src/cli/table.ts';
import { startStack } from '../tools/stack/stack.ts';
import { type DayFigures, measureDay } from './day-figures.ts';
import { servicesOf } from './services.ts';

/**
 * `npm run bench:day -- [--rates 10,100,1000] [--minutes 2] [--speed 5] [--json]`: live calls at steady
 * rates, and what they cost. `--speed 1` is a real call of 3 to 10 minutes; a faster one has as many
 * events, and ends within a shorter run.
 */
const { values } = parseArgs({
  options: {
    rates: { type: 'string', default: '10,100,1000' },
    minutes: { type: 'string', default: '2' },
    speed: { type: 'string', default: '5' },
    json: { type: 'boolean', default: false },
  },
});
const rates = values.rates.split(',').map(Number);
const minutes = Number(values.minutes);
const speed = Number(values.speed);
if (![...rates, minutes, speed].every((value) => value > 0)) {
  throw new RangeError('--rates, --minutes and --speed take numbers above 0');
}

const note = (line: string) => process.stderr.write(`${line}\n`);
const stack = await startStack({ progress: () => {} });
note(`services: ${stack.how}`);
try {
  const days: DayFigures[] = [];
  const result = {
    date: new Date().toISOString(),
    machine: `${cpus().length} × ${cpus()[0]?.model}`,
    minutes,
    speed,
    days,
  };
  mkdirSync(new URL('./results/', import.meta.url), { recursive: true });
  const file = new URL('./results/day.json', import.meta.url);
  for (const rate of rates) {
    note(`${rate} events/s for ${minutes} minutes …`);
    days.push(await measureDay(servicesOf(stack), { rate, minutes, speed }));
    // After each: a long run that is interrupted leaves what it has.
    writeFileSync(file, `${JSON.stringify(result, undefined, 2)}\n`);
  }
  process.stdout.write(values.json ? `${JSON.stringify(result)}\n` : shown(result));
} finally {
  await stack.stop();
}

function shown(result: {
  readonly date: string;
  readonly machine: string;
  readonly days: readonly DayFigures[];
}): string {
  const names = [...new Set(result.days.flatMap(({ figures }) => Object.keys(figures)))];
  const columns = [
    { title: 'events/s' },
    ...result.days.map(({ rate }) => ({ title: String(rate), align: 'right' as const })),
  ];
  const rows = names.map((name) => [
    name,
    ...result.days.map(({ figures }) => rounded(figures[name] ?? Number.NaN)),
  ]);
  const head = `${minutes} min each, calls ${speed} times as fast as real ones, ${result.machine}, Node ${process.version}, ${result.date}`;
  return `${head}\n\n${alignedTable(columns, rows)}\n`;
}

function rounded(figure: number): string {
  if (Number.isNaN(figure)) return '';
  return figure.toFixed(figure >= 100 || Number.isInteger(figure) ? 0 : figure >= 1 ? 1 : 3);
}
