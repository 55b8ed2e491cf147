/**
 * `npm run torture -- --cycles N --seed S [--events E] [--poison P] [--faults 'one,two']
 * [--codecs none,gzip] [--settings default] [--pgbouncer session|transaction]`: see
 * docs/reliability.md.
 */
import { parseArgs } from 'node:util';
import { startStack } from '../../tools/stack/stack.ts';
import { newWorld } from '../support/world.ts';
import { CODECS, codecsNamed } from './codecs.ts';
import { ALL_FAULTS, faultsNamed } from './faults/faults.ts';
import type { PoolMode } from './pgbouncer.ts';
import { poison } from './poison.ts';
import { holds, poisonReport, report } from './report.ts';
import { torture } from './torture.ts';

const { values } = parseArgs({
  options: {
    cycles: { type: 'string', default: '30' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    events: { type: 'string' },
    workers: { type: 'string', default: '3' },
    poison: { type: 'string', default: '100000' },
    faults: { type: 'string' },
    codecs: { type: 'string', default: CODECS.join() },
    settings: { type: 'string', default: 'odd' },
    pgbouncer: { type: 'string' },
  },
});
if (values.settings !== 'odd' && values.settings !== 'default') {
  throw new Error('--settings: expected odd or default');
}
if (![undefined, 'session', 'transaction'].includes(values.pgbouncer)) {
  throw new Error('--pgbouncer: expected session or transaction');
}
const pooled = values.pgbouncer as PoolMode | undefined;
const cycles = Number(values.cycles);
const seed = Number(values.seed);
const events = Number(values.events ?? cycles * 1_700);
const workers = Number(values.workers);
const malformed = Number(values.poison);

const say = (line: string) => process.stderr.write(`${line}\n`);
const chosen = (['faults', 'codecs', 'settings', 'pgbouncer'] as const)
  .filter((name) => values[name] !== undefined)
  .map((name) => ` --${name} '${values[name]}'`)
  .join('');
const again =
  `npm run torture -- --cycles ${cycles} --seed ${seed} --events ${events} ` +
  `--poison ${malformed}${chosen}`;
say(again);
const stack = await startStack({
  progress: say,
  env: { ...process.env, USAGE_LEDGER_STACK: 'local' },
});
try {
  const result = await torture({
    stack,
    cycles,
    seed,
    events,
    workers,
    faults: values.faults === undefined ? ALL_FAULTS : faultsNamed(values.faults),
    codecs: codecsNamed(values.codecs),
    oddSettings: values.settings === 'odd',
    pooled,
    progress: say,
  });
  process.stdout.write(report(result));
  if (!holds(result)) throw new Error('the totals or the books are wrong');
  if (malformed > 0) {
    const world = await newWorld(4, stack);
    const poisoned = await poison(world, malformed, seed);
    await world.close();
    process.stdout.write(poisonReport(poisoned));
    if (poisoned.problems.length > 0) throw new Error('poison did what it must not');
  }
} catch (error) {
  say(`FAILED: ${error instanceof Error ? error.stack : String(error)}\nagain: ${again}`);
  process.exitCode = 1;
} finally {
  await stack.stop();
}
