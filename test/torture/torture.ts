import { Partitioners } from 'kafkajs';
import pg from 'pg';
import { createLogger } from '../../src/config/logger.ts';
import { messageOf } from '../../src/errors.ts';
import { createKafka } from '../../src/kafka/client.ts';
import { Random } from '../../src/simulate/random.ts';
import { logTail } from '../../tools/stack/managed-process.ts';
import type { Stack } from '../../tools/stack/stack.ts';
import { until } from '../support/until.ts';
import { breaks, newWorld, type World } from '../support/world.ts';
import { type CodecName, registerCodecs } from './codecs.ts';
import { FAULTS, type FaultName } from './faults/faults.ts';
import { setOddly } from './faults/postgres-state.ts';
import { Deck, type Scene } from './faults/scene.ts';
import { Fleet } from './fleet.ts';
import { FleetingTopic } from './fleeting-topic.ts';
import { type Encode, LiveStream } from './live-stream.ts';
import { nonsenseProxy } from './nonsense-proxy.ts';
import { type PoolMode, startPgBouncer } from './pgbouncer.ts';
import { type Comparison, Reference } from './reference.ts';
import { whereItStands } from './where-it-stands.ts';
import { WORKER_STEPS } from './worker-orders.ts';

export interface TortureOptions {
  readonly stack: Stack;
  readonly cycles: number;
  readonly seed: number;
  /** About so many different events; a few more when a fault needs them. */
  readonly events: number;
  readonly workers: number;
  /** What is drawn from, each once before any comes again. */
  readonly faults: readonly FaultName[];
  /** What the producer compresses with, each batch with one of them. */
  readonly codecs: readonly CodecName[];
  /** Whether the database begins with settings that nobody expects. */
  readonly oddSettings: boolean;
  /** The workers reach Postgres through a PgBouncer of this mode. */
  readonly pooled: PoolMode | undefined;
  readonly progress: (line: string) => void;
}

export interface TortureResult {
  readonly cycles: number;
  readonly faults: ReadonlyMap<string, number>;
  readonly kills: ReadonlyMap<string, number>;
  readonly events: number;
  readonly billable: number;
  /** Messages on the topic beyond one for each event. */
  readonly duplicates: number;
  readonly comparison: Comparison;
  readonly breaks: readonly unknown[];
  /** The longest time from the end of a fault to the next event booked, by fault. */
  readonly recoveryMs: ReadonlyMap<string, number>;
  readonly peakMemory: number;
  readonly seconds: number;
}

const PARTITIONS = 4;
/** A share of a cycle's events is let through when the fault has ended. */
const AFTER_THE_FAULT = 0.5;
/** Past this a worker has not recovered by itself. */
const RECOVERY_LIMIT_MS = 30_000;
const STREAM_OF_FAULTS = 2;
const MORE_EVENTS = 50;

/** Breaks everything, one fault a cycle, over a live stream of events; then counts. */
export async function torture(options: TortureOptions): Promise<TortureResult> {
  const { stack, seed, progress } = options;
  const begun = performance.now();
  const world = await newWorld(PARTITIONS, stack);
  const kafka = createKafka(world.settings, createLogger('silent'));
  const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner });
  const observer = new pg.Pool({
    connectionString: world.settings.DATABASE_URL,
    options: `-c search_path=${world.settings.DATABASE_SCHEMA}`,
    application_name: 'torture',
  });
  observer.on('error', () => {});
  const reference = new Reference();
  const random = new Random(seed, STREAM_OF_FAULTS);
  const registry = await nonsenseProxy(world.settings.SCHEMA_REGISTRY_URL);
  const pooled =
    options.pooled && (await startPgBouncer(world.settings.DATABASE_URL, options.pooled));
  const fleetingName = `${world.topic}-fleeting`;
  const fleet = new Fleet({
    ...world.env,
    SCHEMA_REGISTRY_URL: registry.url,
    DATABASE_URL: pooled?.url ?? world.settings.DATABASE_URL,
    KAFKA_TOPICS: `${world.topic},${fleetingName}`,
    KAFKA_DEAD_LETTER_TOPIC: `${world.topic}-dead`,
    LOG_LEVEL: 'warn',
    KAFKA_SESSION_TIMEOUT_MS: '6000',
    BATCH_MAX_EVENTS: '500',
    // So that calls are compacted while the stream still has events of them.
    COMPACT_AFTER_S: '1',
  });
  const faults = new Map<string, number>();
  const kills = new Map<string, number>();
  const recoveryMs = new Map<string, number>();
  let stream: LiveStream | undefined;
  try {
    await producer.connect();
    const encode: Encode = async (event) => {
      const [message] = await world.encode([event]);
      return { key: event.session_id, value: message?.value ?? Buffer.alloc(0) };
    };
    await registerCodecs();
    const fleeting = new FleetingTopic({
      topic: fleetingName,
      kafka,
      producer,
      encode,
      reference,
      observer,
      env: { ...world.env, KAFKA_TOPICS: fleetingName },
      seed,
    });
    await fleeting.create();
    if (options.oddSettings) await setOddly(observer, random);
    const live = new LiveStream({
      producer,
      topic: world.topic,
      encode,
      seed,
      reference,
      codecs: options.codecs,
    });
    stream = live;
    const scene: Scene = {
      random,
      fleet,
      kafka,
      services: servicesOf(stack),
      registry,
      fleeting,
      observer,
      topic: world.topic,
      groupId: world.settings.KAFKA_GROUP_ID,
      steps: new Deck(WORKER_STEPS, random),
      feed: () => live.allow(MORE_EVENTS),
      advance: async () => advance(scene, await booked(observer, world.topic)),
      killed: (at) => count(kills, at),
    };
    for (let i = 0; i < options.workers; i += 1) fleet.add();
    live.allow(MORE_EVENTS);
    await advance(scene, new Map());

    const deck = new Deck(options.faults, random);
    const perCycle = options.events / options.cycles;
    for (let cycle = 1; cycle <= options.cycles; cycle += 1) {
      const name = deck.draw();
      count(faults, name);
      live.allow(Math.ceil(perCycle * (1 - AFTER_THE_FAULT)));
      let ended = 0;
      try {
        await FAULTS[name](scene);
        ended = performance.now();
        live.allow(Math.ceil(perCycle * AFTER_THE_FAULT));
        await advance(scene, await booked(observer, world.topic));
      } catch (cause) {
        const why = `cycle ${cycle}, ${name}: ${messageOf(cause)}; ${live.progress}`;
        const kafka = await logTail(scene.services.kafka.log);
        const standing = await whereItStands(world, observer).catch(messageOf);
        throw new Error(`${why}\n${standing}\n${fleet.logs()}\nKafka: ${kafka}`, { cause });
      }
      const ms = Math.round(performance.now() - ended);
      recoveryMs.set(name, Math.max(recoveryMs.get(name) ?? 0, ms));
      fleet.requireAlive();
      const peak = Math.round(fleet.peakMemory / 1_048_576);
      progress(`${cycle}/${options.cycles} ${name}: recovered in ${ms} ms, ${peak} MB at most`);
    }
    await live.end();
    const messages = await caughtUp(world, observer);
    await fleeting.isBooked();
    const peakMemory = fleet.peakMemory;
    fleet.requireAlive();
    await fleet.stop();
    return {
      cycles: options.cycles,
      faults,
      kills,
      events: live.unique,
      billable: reference.billable,
      duplicates: messages - live.unique,
      comparison: await reference.compare(world.database),
      breaks: await breaks(world.database),
      recoveryMs,
      peakMemory,
      seconds: Math.round((performance.now() - begun) / 1_000),
    };
  } finally {
    await fleet.abandon();
    await stream?.end().catch(() => {});
    await producer.disconnect();
    await observer.end();
    await pooled?.stop();
    await registry.close();
    // What went wrong before is not to be hidden; the stack goes away with all that is in it.
    await world.close().catch((error: unknown) => progress(`cleaning up: ${messageOf(error)}`));
  }
}

/** Waits until more is booked in every partition than was, feeding the stream. */
async function advance({ observer, topic, fleet, feed }: Scene, before: Booked): Promise<void> {
  let last = Date.now();
  let now: Booked = new Map();
  const hasAdvanced = async () => {
    fleet.requireAlive();
    if (Date.now() - last > 1_000) {
      last = Date.now();
      feed();
    }
    now = await booked(observer, topic);
    return now.size === PARTITIONS && [...now].every(([p, n]) => n > (before.get(p) ?? 0));
  };
  try {
    await until('events are booked again in every partition', hasAdvanced, RECOVERY_LIMIT_MS);
  } catch (cause) {
    const sums = [...now].map(([p, n]) => `partition ${p}: ${before.get(p) ?? 0}, now ${n}`);
    throw new Error(`${messageOf(cause)} (messages booked in ${sums.join('; ')})`, { cause });
  }
}

type Booked = ReadonlyMap<number, number>;

/** Messages booked in each partition, in all passes: that only ever grows. */
async function booked(observer: pg.Pool, topic: string): Promise<Booked> {
  const { rows } = await observer.query<{ partition: number; n: string }>(
    `SELECT partition, sum(consumed) AS n FROM consumed_range
     WHERE topic = $1 GROUP BY partition`,
    [topic],
  );
  return new Map(rows.map(({ partition, n }) => [partition, Number(n)]));
}

/** Waits until the group is at the end of every partition; returns the number of messages. */
async function caughtUp(world: World, observer: pg.Pool): Promise<number> {
  const admin = createKafka(world.settings, createLogger('silent')).admin();
  await admin.connect();
  const ends = await admin.fetchTopicOffsets(world.topic);
  await admin.disconnect();
  await until('the group is caught up', async () => {
    const { rows } = await observer.query<{ partition: number; next_offset: string }>(
      'SELECT partition, next_offset FROM consumer_position WHERE topic = $1',
      [world.topic],
    );
    const at = new Map(rows.map(({ partition, next_offset }) => [partition, Number(next_offset)]));
    return ends.every(({ partition, high }) => (at.get(partition) ?? 0) >= Number(high));
  });
  return ends.reduce((sum, { high }) => sum + Number(high), 0);
}

function servicesOf({ processes }: Stack): Scene['services'] {
  const { kafka, registry, postgres } = processes;
  if (kafka && registry && postgres) return { kafka, registry, postgres };
  throw new Error('the torture needs a stack of local processes');
}

function count(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
