import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startStack } from '../tools/stack/stack.ts';
import { type Drain, drain } from './drain.ts';
import { Samples } from './samples.ts';
import { servicesOf } from './services.ts';
import { benchEvents, fillTopic } from './topic.ts';

/**
 * `npm run bench:compare -- A B [events] [rounds] [C …]`: what a change moved. Each side is a commit
 * with optional settings: `HEAD`, `HEAD~3`, `HEAD,BUFFER_MAX_BYTES=8388608`,
 * `HEAD,BENCH_NODE_FLAGS=--cpu-prof`. All sides drain the same topic on the same services, in turns;
 * printed are the medians of each side and their ratios to those of the side before it.
 */
const [one, other, count = '400000', rounds = '3', ...more] = process.argv.slice(2);
if (one === undefined || other === undefined) {
  process.stderr.write(
    'usage: npm run bench:compare -- <commit>[,NAME=value] <commit>[,NAME=value] [events] [rounds]\n',
  );
  process.exit(2);
}
const ROOT = fileURLToPath(new URL('../', import.meta.url));
const ROUNDS = Number(rounds);
const events = Number(count);
const folder = mkdtempSync(join(tmpdir(), 'usage-ledger-compare-'));
const note = (line: string) => process.stderr.write(`${line}\n`);

interface Side {
  readonly name: string;
  readonly folder: string;
  readonly env: NodeJS.ProcessEnv;
}

const stack = await startStack({ progress: () => {} });
try {
  const services = servicesOf(stack);
  const sides = [one, other, ...more].map(prepare);
  const { topic } = await fillTopic(services, 'compare', benchEvents(events));
  const samples = new Samples();
  let group = 0;
  for (let round = 1; round <= ROUNDS; round += 1) {
    for (const side of sides) {
      note(`round ${round} of ${ROUNDS}: ${side.name} …`);
      const database = await services.emptyDatabase();
      const env = services.env({ DATABASE_URL: database.url, KAFKA_TOPICS: topic, ...side.env });
      execFileSync(process.execPath, [join(side.folder, 'dist/main.js'), 'migrate'], {
        env: { PATH: process.env['PATH'], ...env },
        stdio: ['ignore', 'ignore', 'inherit'],
      });
      const worker = join(side.folder, 'bench/drain-worker.mjs');
      const run = () => drain({ ...env, KAFKA_GROUP_ID: `compare-${group++}` }, 1, worker);
      const first = await run();
      keep(samples, `${side.name}: first`, first);
      const [disk] = await database.query<{ bytes: number }>(`
        SELECT sum(pg_total_relation_size(oid))::float AS bytes FROM pg_class
        WHERE relname LIKE 'ledger_page%' AND relkind = 'r'`);
      samples.add(
        `${side.name}: disk bytes per billable`,
        (disk?.bytes ?? 0) / first.counts.applied,
      );
      keep(samples, `${side.name}: duplicates`, await run());
      await database.drop();
    }
  }
  process.stdout.write(`${events} events, ${ROUNDS} rounds\n`);
  const medians = samples.medians();
  sides.slice(1).forEach((side, i) => {
    print(sides[i] as Side, side, medians);
  });
  if (sides.length > 2) print(sides[0] as Side, sides.at(-1) as Side, medians);
} finally {
  await stack.stop();
  rmSync(folder, { recursive: true, force: true });
  execFileSync('git', ['-C', ROOT, 'worktree', 'prune']);
}

/** Checks a commit out and builds it; what it depends on is taken from here. */
function prepare(text: string, index: number): Side {
  const [commit = 'HEAD', ...settings] = text.split(',');
  const place = join(folder, String(index));
  const git = (...command: string[]) => execFileSync('git', ['-C', ROOT, ...command]).toString();
  note(`building ${commit} …`);
  mkdirSync(folder, { recursive: true });
  git('worktree', 'add', '--detach', '--quiet', place, commit);
  symlinkSync(join(ROOT, 'node_modules'), join(place, 'node_modules'));
  if (!existsSync(join(place, 'dist'))) {
    execFileSync(process.execPath, ['scripts/prepare.mjs'], { cwd: place, stdio: 'inherit' });
  }
  const subject = git('log', '-1', '--format=%h', commit).trim();
  return {
    name: [subject, ...settings].join(' '),
    folder: place,
    // A value may contain an equals sign: flags do.
    env: Object.fromEntries(settings.map((setting) => setting.split(/=(.*)/))),
  };
}

function keep(to: Samples, name: string, { seconds, cpuSeconds, peakRssMb }: Drain): void {
  const rate = events / seconds;
  const cpuUs = (cpuSeconds / events) * 1e6;
  note(`${name} ${rate.toFixed(0)}/s, CPU ${cpuUs.toFixed(1)} µs, ${peakRssMb.toFixed(0)} MB`);
  to.add(`${name}, events/s`, rate);
  to.add(`${name}, worker CPU µs`, cpuUs);
  to.add(`${name}, peak MB`, peakRssMb);
}

function print(one: Side, other: Side, medians: Record<string, number>): void {
  const width = 26;
  const lines = ['', `${''.padEnd(width)} ${one.name} → ${other.name}`];
  for (const what of [
    'first, events/s',
    'duplicates, events/s',
    'first, worker CPU µs',
    'duplicates, worker CPU µs',
    'first, peak MB',
    'duplicates, peak MB',
    'disk bytes per billable',
  ]) {
    const [a, b] = [medians[`${one.name}: ${what}`], medians[`${other.name}: ${what}`]];
    const digits = what.includes('CPU') ? 1 : 0;
    const shown = (value = Number.NaN) => value.toFixed(digits).padStart(8);
    const ratio = ((b ?? Number.NaN) / (a ?? Number.NaN)).toFixed(2);
    lines.push(`${what.padEnd(width)} ${shown(a)} → ${shown(b)}   × ${ratio}`);
  }
  process.stdout.write(`${lines.join('\n')}\n`);
}
