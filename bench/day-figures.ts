import { setTimeout as delay } from 'node:timers/promises';
import { Partitioners } from 'kafkajs';
import { createLogger } from '../src/config/logger.ts';
import { createKafka } from '../src/kafka/client.ts';
import { openDatabase } from '../src/postgres/database.ts';
import { encodeEvent } from '../src/produce/encoder.ts';
import { createRegistry } from '../src/registry/schema-registry.ts';
import { registerSchema } from '../src/registry/subjects.ts';
import { verify } from '../src/verify/verify.ts';
import {
  readBloat,
  readCounters,
  readSizes,
  readWalKinds,
  type Sizes,
  walPosition,
} from './day-costs.ts';
import { DayWorker, runCommand } from './day-worker.ts';
import { LiveCalls, TICK_MS } from './live-calls.ts';
import { postgresCpuSeconds } from './postgres-cpu.ts';
import type { BenchDatabase, BenchServices } from './services.ts';
import { fillTopic, PARTITIONS } from './topic.ts';
import { Visibility } from './visibility.ts';

/** Of a worker that has just started nothing is measured. */
const WARM_UP_MS = 10_000;
/** Backends report what they counted about once a second. */
const REPORTED_MS = 2_000;

export interface DayFigures {
  readonly rate: number;
  readonly figures: Readonly<Record<string, number>>;
}

/** Live calls at one rate, then quiet, then `compact` where the program has it. */
export async function measureDay(
  services: BenchServices,
  {
    rate,
    minutes,
    speed,
  }: { readonly rate: number; readonly minutes: number; readonly speed: number },
): Promise<DayFigures> {
  const database = await services.freshDatabase();
  const topic = `bench-day-${rate}`;
  await fillTopic(services, topic, []);
  const env = services.env({
    DATABASE_URL: database.url,
    KAFKA_TOPICS: topic,
    KAFKA_GROUP_ID: topic,
  });
  const calls = new LiveCalls(rate, speed, PARTITIONS);
  const visibility = new Visibility(database.url, topic);
  await visibility.start();
  const worker = new DayWorker(env);
  await database.checkpoint();
  const measure = async () => ({
    at: performance.now(),
    counters: await readCounters(database),
    postgres: (await postgresCpuSeconds(database)) ?? Number.NaN,
    worker: worker.cpuSeconds,
    watching: visibility.cost,
    billable: await billable(database),
  });

  const send = await producerOf(services, env, topic, calls, visibility);
  await send.until(0, WARM_UP_MS / TICK_MS);
  await visibility.settled();
  visibility.reset();
  const before = await measure();
  const lsn = await walPosition(database);
  await send.until(WARM_UP_MS / TICK_MS, (WARM_UP_MS + minutes * 60_000) / TICK_MS);
  await visibility.settled();
  await delay(REPORTED_MS);
  const after = await measure();
  const kinds = await readWalKinds(database, lsn);
  await visibility.stop();
  await send.end();
  await worker.stop();

  const events = after.billable.consumed - before.billable.consumed;
  const applied = after.billable.applied - before.billable.applied;
  const change = (name: keyof typeof before.counters) =>
    after.counters[name] - before.counters[name];
  const watched = {
    transactions: after.watching.transactions - before.watching.transactions,
    cpuSeconds: after.watching.cpuSeconds - before.watching.cpuSeconds,
  };
  const { p50, p99, max } = visibility.percentiles();
  const figures: Record<string, number> = {
    'calls begun': calls.begun,
    events: after.billable.consumed,
    'billable events': after.billable.applied,
    'ms to visible, p50': p50,
    'ms to visible, p99': p99,
    'ms to visible, max': max,
    'transactions per event': (change('transactions') - watched.transactions) / events,
    'WAL bytes per event': change('walBytes') / events,
    'WAL bytes per billable event': change('walBytes') / applied,
    '  of them full pages': change('walImageBytes') / applied,
    ...Object.fromEntries(kinds.map(({ kind, bytes }) => [`  ${kind}`, bytes / applied])),
    'µs of worker per event': ((after.worker - before.worker) / events) * 1e6,
    'µs of Postgres per event':
      ((after.postgres - before.postgres - watched.cpuSeconds) / events) * 1e6,
    'runs of autovacuum': change('autovacuums'),
    ...(await tables(database)),
    ...bytesPer(await readSizes(database), after.billable.applied, ''),
  };
  Object.assign(figures, await compacted(env, database, after.billable, figures));
  await requireBalance(services, database);
  await database.drop();
  return { rate, figures };
}

async function billable(database: BenchDatabase) {
  const [row] = await database.query<{ consumed: number; applied: number }>(`
    SELECT coalesce(sum(consumed), 0)::float AS consumed, coalesce(sum(applied), 0)::float AS applied
    FROM consumed_range`);
  return row ?? { consumed: 0, applied: 0 };
}

/** Sends each event in its tick, not later than others wait for their answers. */
async function producerOf(
  services: BenchServices,
  env: NodeJS.ProcessEnv,
  topic: string,
  calls: LiveCalls,
  visibility: Visibility,
) {
  const settings = services.settings(env);
  const registry = createRegistry(settings);
  const schemaId = await registerSchema(registry, settings, topic);
  const producer = createKafka(settings, createLogger('fatal')).producer({
    createPartitioner: Partitioners.DefaultPartitioner,
  });
  await producer.connect();
  return {
    async until(from: number, to: number): Promise<void> {
      const begun = performance.now();
      const sending = new Set<Promise<void>>();
      for (let tick = from; tick < to; tick += 1) {
        const due = calls.at(tick);
        const messages = await Promise.all(
          due.map(async ({ event, partition }) => ({
            ...(await encodeEvent(registry, schemaId, event)),
            partition,
          })),
        );
        if (messages.length > 0) {
          const sent = producer.send({ topic, messages, acks: -1 }).then((answers) => {
            for (const { partition, baseOffset } of answers) {
              const count = messages.filter((message) => message.partition === partition).length;
              visibility.acknowledged(partition, Number(baseOffset) + count - 1);
            }
            sending.delete(sent);
          });
          sending.add(sent);
        }
        const ahead = (tick + 1 - from) * TICK_MS - (performance.now() - begun);
        if (ahead > 0) await delay(ahead);
      }
      await Promise.all(sending);
    },
    end: () => producer.disconnect(),
  };
}

/** How full the tables are that are updated in place, before anybody vacuums them on purpose. */
async function tables(database: BenchDatabase): Promise<Record<string, number>> {
  const figures: Record<string, number> = {};
  for (const table of ['session', 'session_model_usage']) {
    const { rows, deadRows, hotShare, liveShare } = await readBloat(database, table);
    figures[`${table}: rows`] = rows;
    figures[`${table}: dead rows`] = deadRows;
    figures[`${table}: share of HOT updates`] = hotShare;
    figures[`${table}: share of live bytes`] = liveShare;
  }
  const [pages] = await database.query<{ entries: number }>(
    'SELECT (sum(entry_count) / count(*))::float AS entries FROM ledger_page',
  );
  figures['entries per page'] = pages?.entries ?? Number.NaN;
  return figures;
}

function bytesPer(sizes: Sizes, billable: number, when: string): Record<string, number> {
  const { ledger, session, usage, books } = sizes;
  const all = ledger + session + usage + books;
  const each = { ledger, session, session_model_usage: usage, books, 'all of these': all };
  return Object.fromEntries(
    Object.entries(each).map(([name, bytes]) => [`disk bytes, ${name}${when}`, bytes / billable]),
  );
}

/** What `compact` makes of it, once the calls are quiet; nothing where there is no such command. */
async function compacted(
  env: NodeJS.ProcessEnv,
  database: BenchDatabase,
  { consumed, applied }: { readonly consumed: number; readonly applied: number },
  before: Readonly<Record<string, number>>,
): Promise<Record<string, number>> {
  const { walBytes } = await readCounters(database);
  const run = await runCommand(env, 'compact', ['--quiet-for', '0']);
  if (run === undefined) return {};
  const wal = ((await readCounters(database)).walBytes - walBytes) / consumed;
  await database.query('VACUUM');
  const inPlace = bytesPer(await readSizes(database), applied, ', compacted');
  // A file does not shrink: later calls use the space. A copy shows what a call takes in the long run.
  await database.query('VACUUM FULL');
  return {
    'compact, events/s': applied / run.seconds,
    'WAL bytes per event, compacted': (before['WAL bytes per event'] ?? Number.NaN) + wal,
    ...inPlace,
    ...bytesPer(await readSizes(database), applied, ', copied'),
  };
}

async function requireBalance(services: BenchServices, database: BenchDatabase): Promise<void> {
  const pool = openDatabase(services.settings({ DATABASE_URL: database.url }), 1);
  const { ok } = await verify(pool);
  await pool.end();
  if (!ok) throw new Error('the books of the bench do not balance');
}
