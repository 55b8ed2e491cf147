import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { openDatabase } from '../src/postgres/database.ts';
import { verify } from '../src/verify/verify.ts';
import { startStack } from '../tools/stack/stack.ts';
import { nodeFlags } from './node-flags.ts';
import { servicesOf } from './services.ts';
import { benchEvents, fillTopic } from './topic.ts';

/**
 * `npm run bench:outage`: a backlog of a million events, and Postgres stopped for a minute in the
 * midst of it. Prints the worker's highest memory, and whether the books balance. Linux only.
 */
const EVENTS = 1_000_000;
const OUTAGE_MS = 60_000;
const WORKER = fileURLToPath(new URL('../dist/main.js', import.meta.url));

const stack = await startStack({ progress: () => {}, env: { USAGE_LEDGER_STACK: 'local' } });
try {
  const services = servicesOf(stack);
  const { topic } = await fillTopic(services, 'outage', benchEvents(EVENTS));
  const database = await services.freshDatabase();
  const env = services.env({ DATABASE_URL: database.url, KAFKA_TOPICS: topic });
  await database.disconnect();
  const worker = spawn(process.execPath, [...nodeFlags(env), WORKER, 'run', '--until-caught-up'], {
    env: { PATH: process.env['PATH'], ...env },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  let peak = 0;
  const watch = setInterval(() => {
    peak = Math.max(peak, highWaterMb(worker.pid ?? 0));
  }, 200);
  await delay(4_000);
  const postgres = stack.processes.postgres;
  if (postgres === undefined) throw new Error('the outage needs a Postgres of its own');
  await postgres.kill('SIGQUIT');
  await delay(OUTAGE_MS);
  await postgres.start();
  const [code] = await once(worker, 'close');
  clearInterval(watch);
  const pool = openDatabase(services.settings(env), 1);
  const { ok } = await verify(pool);
  const { rows } = await pool.query('SELECT sum(consumed)::int AS n FROM consumed_range');
  await pool.end();
  process.stdout.write(
    `${rows[0]?.n} of ${EVENTS} events booked, exit ${code}, the books ${ok ? 'close' : 'DO NOT close'}; ` +
      `the worker took ${peak.toFixed(0)} MB at most\n`,
  );
  process.exitCode = ok && code === 0 ? 0 : 1;
} finally {
  await stack.stop();
}

function highWaterMb(pid: number): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    return Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1_024;
  } catch {
    return 0;
  }
}
