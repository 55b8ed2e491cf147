/**
 * `npm run dashboards`: runs two workers under simulated load with a few incidents, and draws the dashboards
 * of `deploy/` with what a real Prometheus answers to their queries.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import getPort from 'get-port';
import { createLogger } from '../../src/config/logger.ts';
import { loadSettings } from '../../src/config/settings.ts';
import { withAdmin } from '../../src/kafka/admin.ts';
import { createKafka } from '../../src/kafka/client.ts';
import { migrateDatabase } from '../../src/migrate/migrate.ts';
import { encodeEvent } from '../../src/produce/encoder.ts';
import { EventProducer } from '../../src/produce/event-producer.ts';
import { createRegistry } from '../../src/registry/schema-registry.ts';
import { registerSchema } from '../../src/registry/subjects.ts';
import { startCli } from '../../test/support/cli.ts';
import { findProgram } from '../../test/support/programs.ts';
import { startPrometheus } from '../../test/support/prometheus.ts';
import { startStack } from '../stack/stack.ts';
import { drawDashboards } from './draw.ts';
import { sendTraffic } from './traffic.ts';

const PARTITIONS = 6;
/** As in deploy/grafana/provisioning. */
const SCRAPE_S = 5;
const DOWN_MS = 25_000;
const MINUTE_MS = 60_000;
/** Until the books are checked for the first time, and rates are known. */
const WARM_UP_MS = 75_000;

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    to: { type: 'string', default: 'docs/images' },
    whole: { type: 'boolean', default: false },
  },
});
const durationMs = Number(values.minutes) * MINUTE_MS;
const say = (line: string) => process.stderr.write(`${line}\n`);

for (const program of ['prometheus', 'chromium', 'npm']) {
  if (findProgram(program) === undefined) throw new Error(`no ${program} here; apt-get install it`);
}
const stack = await startStack({ progress: say });
try {
  const ports = [await getPort(), await getPort()] as const;
  const env = {
    KAFKA_BROKERS: stack.kafkaBrokers,
    SCHEMA_REGISTRY_URL: stack.schemaRegistryUrl,
    DATABASE_URL: stack.databaseUrl,
    LOG_LEVEL: 'error',
  };
  const settings = loadSettings(env, ['kafka', 'registry', 'database']);
  const [topic = ''] = settings.KAFKA_TOPICS;
  const kafka = createKafka(settings, createLogger('fatal'));
  const registry = createRegistry(settings);
  await withAdmin(kafka, (admin) =>
    admin.createTopics({ topics: [{ topic, numPartitions: PARTITIONS }], waitForLeaders: true }),
  );
  await migrateDatabase(settings);
  const schemaId = await registerSchema(registry, settings, topic);
  const producer = new EventProducer(kafka, topic);
  await producer.connect();

  const start = (port: number) => startCli(['run'], { ...env, HTTP_PORT: String(port) });
  const first = start(ports[0]);
  let second = start(ports[1]);
  const prometheus = await startPrometheus(
    ports.map((port) => `127.0.0.1:${port}`),
    SCRAPE_S,
  );
  const end = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => end.abort());
  const wait = (ms: number) => delay(ms, undefined, { signal: end.signal });
  let isBroken = false;
  const traffic = sendTraffic(producer, {
    signal: end.signal,
    encode: (event) => encodeEvent(registry, schemaId, event),
    isBroken: () => isBroken,
  });
  try {
    say(`load and incidents for ${values.minutes} minutes`);
    await wait(WARM_UP_MS + 0.4 * durationMs);
    say('a worker is killed');
    second.process.kill('SIGKILL');
    await wait(DOWN_MS);
    second = start(ports[1]);
    await wait(0.25 * durationMs);
    say('an emitter is broken for a while');
    isBroken = true;
    await wait(0.08 * durationMs);
    isBroken = false;
    await wait(0.27 * durationMs - DOWN_MS);
    await drawDashboards(prometheus.url, {
      durationMs,
      scrapeS: SCRAPE_S,
      folder: values.to,
      isWhole: values.whole,
    });
  } catch (error) {
    if (!end.signal.aborted) throw error;
    process.exitCode = 130;
  } finally {
    end.abort();
    await traffic;
    for (const worker of [first, second]) worker.process.kill('SIGTERM');
    await Promise.all([first.ended, second.ended]);
    await prometheus.stop();
    await producer.disconnect();
  }
} finally {
  await stack.stop();
}
