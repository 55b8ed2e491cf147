import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { billableUsage } from '../src/livekit/usage-of.ts';
import { openDatabase } from '../src/postgres/database.ts';
import { verify } from '../src/verify/verify.ts';
import { startStack } from '../tools/stack/stack.ts';
import { runByHand } from './by-hand.ts';
import { type Drain, drain } from './drain.ts';
import { measureLatency } from './latency.ts';
import { postgresCpuSeconds } from './postgres-cpu.ts';
import { prefill } from './prefill.ts';
import { runReadAndDecode } from './read-and-decode.ts';
import { Samples } from './samples.ts';
import { type BenchDatabase, type BenchServices, servicesOf } from './services.ts';
import { benchEvents, fillTopic } from './topic.ts';
import { runYardstick, yardstickBatches } from './yardstick.ts';

/**
 * `npm run bench [-- --quick] [-- --json]`: one program, one run, one stack. Every figure is a rate
 * and a ratio to the yardstick, run alternately; median and spread are printed.
 */
const quick = process.argv.includes('--quick');
const json = process.argv.includes('--json');
const SIZE = quick
  ? { events: 500_000, rounds: 2, byHand: 4_000, prefill: 1_000_000, large: 0, seconds: 8 }
  : {
      events: 1_000_000,
      rounds: 5,
      byHand: 20_000,
      prefill: 10_000_000,
      large: 5_000_000,
      seconds: 20,
    };

const note = (line: string) => process.stderr.write(`${line}\n`);
const stack = await startStack({ progress: () => {} });
note(`services: ${stack.how}`);
try {
  const result = await bench(servicesOf(stack));
  mkdirSync(new URL('./results/', import.meta.url), { recursive: true });
  const name = quick ? 'quick' : 'full';
  const file = new URL(`./results/${name}.json`, import.meta.url);
  writeFileSync(file, `${JSON.stringify(result, undefined, 2)}\n`);
  if (json) process.stdout.write(`${JSON.stringify(result)}\n`);
  else print(result);
} finally {
  await stack.stop();
}

type Result = Awaited<ReturnType<typeof bench>>;

async function bench(services: BenchServices) {
  const { events, rounds } = SIZE;
  note(`filling topics with ${events} events …`);
  const first = await fillTopic(services, 'bench', benchEvents(events));
  const half = await fillTopic(services, 'bench-half', benchEvents(events / 2), 1);
  const rows = yardstickBatches(benchEvents(events));

  const rates = new Samples();
  const cpu = new Samples();
  const drains: Drain[] = [];
  let bytesPerEvent = { wal: 0, disk: 0 };
  let group = 0;
  const drainInto = async (database: BenchDatabase, topic: string, workers = 1) => {
    await database.checkpoint();
    return drain(
      services.env({
        DATABASE_URL: database.url,
        KAFKA_TOPICS: topic,
        KAFKA_GROUP_ID: `bench-${group++}`,
      }),
      workers,
    );
  };

  note(`filling a ledger with ${SIZE.prefill} old entries …`);
  const old = await services.freshDatabase();
  await prefill(old, SIZE.prefill);

  for (let round = 1; round <= rounds; round += 1) {
    note(`round ${round} of ${rounds} …`);
    const database = await services.freshDatabase();
    rates.add('yardstick_copy', events / (await runYardstick(database, rows)));
    const wal = await walPosition(database);
    const serverBefore = await postgresCpuSeconds(database);
    const drained = await drainInto(database, first.topic);
    const serverAfter = await postgresCpuSeconds(database);
    if (serverBefore !== undefined && serverAfter !== undefined) {
      cpu.add('postgres', ((serverAfter - serverBefore) / events) * 1e6);
    }
    cpu.add('worker', (drained.cpuSeconds / events) * 1e6);
    bytesPerEvent = await bytes(database, wal, drained);
    drains.push(drained);
    rates.add('drain_first', events / drained.seconds);
    rates.add('yardstick_copy', events / (await runYardstick(database, rows)));
    const again = await drainInto(database, first.topic);
    rates.add('drain_duplicates', events / again.seconds);
    await database.drop();

    const halves = await services.freshDatabase();
    rates.add('drain_half_duplicates', half.events / (await drainInto(halves, half.topic)).seconds);
    rates.add('read_and_decode', events / (await runReadAndDecode(services, first.topic, events)));
    await halves.drop();

    // Once more, right before what it is compared with.
    const empty = await services.freshDatabase();
    rates.add('drain_first', events / (await drainInto(empty, first.topic)).seconds);
    await empty.drop();
    const full = await services.freshDatabase(old);
    rates.add('drain_full_ledger', events / (await drainInto(full, first.topic)).seconds);
    if (round === rounds) {
      rates.add('verify_entries', await verifyRate(services, full, SIZE.prefill + events));
    }
    await full.drop();
  }

  await old.drop();

  note('by hand …');
  const hand = await services.freshDatabase();
  rates.add('by_hand', SIZE.byHand / (await runByHand(services, hand, first.topic, SIZE.byHand)));
  await hand.drop();

  for (const workers of [2, 4]) {
    note(`${workers} workers …`);
    const database = await services.freshDatabase();
    const drained = await drainInto(database, first.topic, workers);
    rates.add(`drain_first_${workers}_workers`, events / drained.seconds);
    await database.drop();
  }

  const latency: Record<string, { p50: number; p99: number; max: number }> = {};
  for (const rate of [1_000, 5_000]) {
    note(`latency at ${rate} events/s …`);
    const database = await services.freshDatabase();
    const topic = `bench-latency-${rate}`;
    await fillTopic(services, topic, []);
    const billable = [...benchEvents(rate * SIZE.seconds * 2, rate)]
      .filter(({ metric }) => billableUsage(metric) !== undefined)
      .slice(0, rate * SIZE.seconds);
    latency[`at_${rate}`] = await measureLatency(services, database, topic, billable, rate);
    await database.drop();
  }

  const rss: Record<string, number> = {
    [`backlog_${events}`]: Math.max(...drains.map(({ peakRssMb }) => peakRssMb)),
  };
  if (SIZE.large > 0) {
    note(`memory with a backlog of ${SIZE.large} …`);
    await fillTopic(services, 'bench-large', benchEvents(SIZE.large));
    const database = await services.freshDatabase();
    rss[`backlog_${SIZE.large}`] = (await drainInto(database, 'bench-large')).peakRssMb;
    await database.drop();
  }

  const medians = rates.medians();
  const yardstick = medians['yardstick_copy'] ?? Number.NaN;
  const ratio = (name: string, to: number | undefined) => (medians[name] ?? Number.NaN) / (to ?? 1);
  return {
    date: new Date().toISOString(),
    machine: `${cpus().length} × ${cpus()[0]?.model}`,
    versions: versions(),
    events,
    avro_bytes_per_event: first.bytes,
    billable_share: (drains[0]?.counts.applied ?? 0) / events,
    rates: medians,
    spread: rates.spread(),
    ratios: {
      drain_first_to_yardstick: ratio('drain_first', yardstick),
      drain_duplicates_to_first: ratio('drain_duplicates', medians['drain_first']),
      drain_full_ledger_to_empty: ratio('drain_full_ledger', medians['drain_first']),
      drain_half_duplicates_to_yardstick: ratio('drain_half_duplicates', yardstick),
      drain_first_to_by_hand: ratio('drain_first', medians['by_hand']),
      read_and_decode_to_yardstick: ratio('read_and_decode', yardstick),
    },
    latency_ms: latency,
    peak_rss_mb: rss,
    bytes_per_event: bytesPerEvent,
    cpu_us_per_event: cpu.medians(),
  };
}

async function walPosition(database: BenchDatabase): Promise<string> {
  const [row] = await database.query<{ lsn: string }>('SELECT pg_current_wal_lsn() AS lsn');
  return row?.lsn ?? '0/0';
}

/** Bytes of WAL, and of the ledger with its index on disk, for each billable event. */
async function bytes(database: BenchDatabase, since: string, { counts }: Drain) {
  const [row] = await database.query<{ wal: number; disk: number }>(`
    SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '${since}')::float AS wal,
      (SELECT sum(pg_total_relation_size(oid))::float FROM pg_class
        WHERE relname LIKE 'ledger_page%' AND relkind = 'r') AS disk`);
  return { wal: (row?.wal ?? 0) / counts.applied, disk: (row?.disk ?? 0) / counts.applied };
}

async function verifyRate(services: BenchServices, database: BenchDatabase, entries: number) {
  note(`verify of ${entries} entries …`);
  const pool = openDatabase(services.settings({ DATABASE_URL: database.url }), 1);
  const begun = performance.now();
  const { ok } = await verify(pool);
  const seconds = (performance.now() - begun) / 1_000;
  await pool.end();
  if (!ok) throw new Error('the books of the bench do not close');
  return entries / seconds;
}

function versions(): Record<string, string> {
  const root = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
    version: string;
    dependencies: Record<string, string>;
  };
  return {
    usage_ledger: root.version,
    node: process.version,
    kafkajs: root.dependencies['kafkajs'] ?? '',
    services: stack.how,
  };
}

function print(result: Result): void {
  const lines: string[] = [
    `${result.events} events, ${result.machine}, Node ${result.versions['node']}, ${result.date}`,
    '',
  ];
  const yardstick = result.rates['yardstick_copy'] ?? Number.NaN;
  for (const [name, rate] of Object.entries(result.rates)) {
    const spread = result.spread[name];
    lines.push(
      `${name.padEnd(28)} ${Math.round(rate).toLocaleString('en').padStart(10)}/s` +
        `   ${(rate / yardstick).toFixed(3).padStart(7)} of the yardstick   ${spread ?? ''}`,
    );
  }
  lines.push('');
  for (const [name, ratio] of Object.entries(result.ratios)) {
    lines.push(`${name.padEnd(36)} ${ratio.toFixed(3)}`);
  }
  for (const [name, { p50, p99, max }] of Object.entries(result.latency_ms)) {
    lines.push(
      `latency ${name.padEnd(28)} p50 ${p50.toFixed(0)} ms, p99 ${p99.toFixed(0)} ms, max ${max.toFixed(0)} ms`,
    );
  }
  for (const [name, mb] of Object.entries(result.peak_rss_mb)) {
    lines.push(`peak RSS ${name.padEnd(27)} ${mb.toFixed(0)} MB`);
  }
  const { wal, disk } = result.bytes_per_event;
  lines.push(`bytes per billable event             WAL ${wal.toFixed(0)}, disk ${disk.toFixed(0)}`);
  for (const [name, us] of Object.entries(result.cpu_us_per_event)) {
    lines.push(`CPU per event, ${name.padEnd(22)} ${us.toFixed(1)} µs`);
  }
  process.stdout.write(`${lines.join('\n')}\n`);
}
