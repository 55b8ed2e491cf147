import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Partitioners } from 'kafkajs';
import { createLogger } from '../src/config/logger.ts';
import { createKafka } from '../src/kafka/client.ts';
import { encodeEvent } from '../src/produce/encoder.ts';
import { createRegistry } from '../src/registry/schema-registry.ts';
import { registerSchema } from '../src/registry/subjects.ts';
import type { SimulatedEvent } from '../src/simulate/simulate-events.ts';
import { nodeFlags } from './node-flags.ts';
import type { BenchDatabase, BenchServices } from './services.ts';

const TICK_MS = 10;
const WORKER = fileURLToPath(new URL('../dist/main.js', import.meta.url));

export interface Latency {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/**
 * Produces at a steady rate and measures, for each step of production, the time from its
 * acknowledgement until all of it is visible in `session_model_usage` (as sum of `event_count`, seen
 * by another connection), in milliseconds.
 */
export async function measureLatency(
  services: BenchServices,
  database: BenchDatabase,
  topic: string,
  billable: readonly SimulatedEvent[],
  rate: number,
): Promise<Latency> {
  const env = services.env({ DATABASE_URL: database.url, KAFKA_TOPICS: topic });
  const settings = services.settings(env);
  const registry = createRegistry(settings);
  const schemaId = await registerSchema(registry, settings, topic);
  const messages = await Promise.all(
    billable.map((event) => encodeEvent(registry, schemaId, event)),
  );
  const worker = spawn(process.execPath, [...nodeFlags(env), WORKER, 'run'], {
    env: { PATH: process.env['PATH'], ...env },
    stdio: 'ignore',
  });
  const producer = createKafka(settings, createLogger('fatal')).producer({
    createPartitioner: Partitioners.DefaultPartitioner,
  });
  await producer.connect();

  const samples: number[] = [];
  const open: Step[] = [];
  let sent = 0;
  const perTick = Math.max(Math.round((rate * TICK_MS) / 1_000), 1);
  /** Sends up to `end`, and waits until all of it is visible. */
  const produce = async (end: number) => {
    const begun = performance.now();
    const first = sent;
    const watching = watch(database, open, end, (ms) => samples.push(ms));
    while (sent < end) {
      const chunk = messages.slice(sent, Math.min(sent + perTick, end));
      await producer.send({ topic, messages: chunk, acks: -1 });
      sent += chunk.length;
      open.push({ count: sent, acknowledged: performance.now() });
      const ahead = ((sent - first) / rate) * 1_000 - (performance.now() - begun);
      if (ahead > 0) await delay(ahead);
    }
    await watching;
  };
  // The worker joins its group meanwhile, and is compiled.
  await produce(Math.ceil(messages.length / 5));
  samples.length = 0;
  await produce(messages.length);
  await producer.disconnect();
  worker.kill('SIGTERM');
  await once(worker, 'close');
  samples.sort((a, b) => a - b);
  const at = (share: number) => samples[Math.floor((samples.length - 1) * share)] ?? Number.NaN;
  return { p50: at(0.5), p99: at(0.99), max: at(1) };
}

/** What is sent at a time. */
interface Step {
  /** How many events are sent with it, those before it included. */
  readonly count: number;
  readonly acknowledged: number;
}

/** Polls what is visible, and says how long each step took, until `last` events are seen. */
async function watch(
  database: BenchDatabase,
  open: Step[],
  last: number,
  seen: (ms: number) => void,
): Promise<void> {
  for (let visible = 0; visible < last; await delay(1)) {
    const [row] = await database.query<{ n: string }>(
      'SELECT coalesce(sum(applied), 0) AS n FROM consumed_range',
    );
    visible = Number(row?.n);
    const now = performance.now();
    while (open[0] !== undefined && open[0].count <= visible) {
      const step = open.shift();
      // An answer to the producer may come after the worker has applied the event.
      if (step !== undefined) seen(Math.max(now - step.acknowledged, 0));
    }
  }
}
