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
 * `npm run bench:compare -- <one> <other> [events]`: what a change moved. Each side is a commit, and
 * maybe settings: `HEAD`, `HEAD~3`, `HEAD,BUFFER_MAX_BYTES=8388608`. Both drain the same topic on the
 * same services, in turns; what is printed is the median of each and the ratio of the two.
 */
const [one, other, count = '400000'] = process.argv.slice(2);
if (one === undefined || other === undefined) {
  process.stderr.write(
    'usage: npm run bench:compare -- <commit>[,NAME=value] <commit>[,NAME=value]\n',
  );
  process.exit(2);
}
const ROOT = fileURLToPath(new URL('../', import.meta.url));
const ROUNDS = 3;
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
  const sides = [one, other].map(prepare);
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
  print(sides, samples.medians());
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
    env: Object.fromEntries(settings.map((setting) => setting.split('='))),
  };
}

function keep(to: Samples, name: string, { seconds, cpuSeconds, peakRssMb }: Drain): void {
  to.add(`${name}, events/s`, events / seconds);
  to.add(`${name}, worker CPU µs`, (cpuSeconds / events) * 1e6);
  to.add(`${name}, peak MB`, peakRssMb);
}

function print([one, other]: readonly Side[], medians: Record<string, number>): void {
  const lines = [`${events} events, ${ROUNDS} rounds`, ''];
  const width = 26;
  lines.push(`${''.padEnd(width)} ${one?.name ?? ''} → ${other?.name ?? ''}`);
  for (const what of [
    'first, events/s',
    'duplicates, events/s',
    'first, worker CPU µs',
    'duplicates, worker CPU µs',
    'first, peak MB',
    'disk bytes per billable',
  ]) {
    const [a, b] = [medians[`${one?.name}: ${what}`], medians[`${other?.name}: ${what}`]];
    const digits = what.includes('CPU') ? 1 : 0;
    const shown = (value = Number.NaN) => value.toFixed(digits).padStart(8);
    const ratio = ((b ?? Number.NaN) / (a ?? Number.NaN)).toFixed(2);
    lines.push(`${what.padEnd(width)} ${shown(a)} → ${shown(b)}   × ${ratio}`);
  }
  process.stdout.write(`${lines.join('\n')}\n`);
}
