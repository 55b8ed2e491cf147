import { type RunOptions, type RunResult, runWorker } from '../../src/cli/run-worker.ts';
import { createLogger } from '../../src/config/logger.ts';
import { loadSettings, type Settings } from '../../src/config/settings.ts';
import { createKafka } from '../../src/kafka/client.ts';
import { migrateDatabase } from '../../src/migrate/migrate.ts';
import { type Database, openDatabase } from '../../src/postgres/database.ts';
import { type EventInput, encodeEvent } from '../../src/produce/encoder.ts';
import { EventProducer, type ProducedMessage } from '../../src/produce/event-producer.ts';
import { createRegistry } from '../../src/registry/schema-registry.ts';
import { registerSchema } from '../../src/registry/subjects.ts';
import { type Break, verify } from '../../src/verify/verify.ts';
import { compareWithPython } from '../../tools/demo/compare.ts';
import { type RecordedCalls, recordedCalls } from '../../tools/demo/recorded-calls.ts';
import { freshDatabase, freshTopic, stackUrls } from './stack.ts';

/** A topic, a migrated database and everything that is needed to work on them. */
export interface World {
  readonly topic: string;
  readonly env: NodeJS.ProcessEnv;
  readonly settings: Settings;
  readonly database: Database;
  encode(events: readonly EventInput[]): Promise<ProducedMessage[]>;
  send(messages: readonly ProducedMessage[]): Promise<void>;
  /** Runs a worker in this process until it has caught up, or until the signal. */
  run(options?: RunChoices): Promise<RunResult>;
  close(): Promise<void>;
}

export interface RunChoices {
  readonly env?: NodeJS.ProcessEnv;
  readonly signal?: AbortSignal;
  readonly untilCaughtUp?: boolean;
  /** Called after each step of a batch; tests inject faults here. */
  readonly onStep?: NonNullable<RunOptions['onStep']>;
}

const CONNECTIONS = 5;

/** Makes a world of its own on the shared services. */
export async function newWorld(partitions: number, urls = stackUrls()): Promise<World> {
  const { url, drop } = await freshDatabase(urls.databaseUrl);
  const topic = await freshTopic(partitions, urls.kafkaBrokers);
  const env = {
    KAFKA_BROKERS: urls.kafkaBrokers,
    SCHEMA_REGISTRY_URL: urls.schemaRegistryUrl,
    DATABASE_URL: url,
    KAFKA_TOPICS: topic,
    KAFKA_GROUP_ID: `group-${topic}`,
    HTTP_PORT: 'off',
    LOG_LEVEL: process.env['TEST_LOG_LEVEL'] ?? 'fatal',
  };
  const settings = settingsFrom(env);
  const logger = createLogger(settings.LOG_LEVEL);
  await migrateDatabase(settings);
  const database = openDatabase(settings, CONNECTIONS);
  const registry = createRegistry(settings);
  const kafka = createKafka(settings, logger);
  const schemaId = await registerSchema(registry, settings, topic);
  const producer = new EventProducer(kafka, topic);
  await producer.connect();
  return {
    topic,
    env,
    settings,
    database,
    encode: (events) => Promise.all(events.map((event) => encodeEvent(registry, schemaId, event))),
    async send(messages) {
      for (const message of messages) await producer.add(message);
      await producer.flush();
    },
    async run({ env: other = {}, signal, untilCaughtUp = true, onStep } = {}) {
      const runSettings = settingsFrom({ ...env, ...other });
      const runDatabase = openDatabase(runSettings, CONNECTIONS);
      try {
        return await runWorker({
          settings: runSettings,
          logger,
          kafka: createKafka(runSettings, logger),
          registry: createRegistry(runSettings),
          database: runDatabase,
          untilCaughtUp,
          signal: signal ?? new AbortController().signal,
          ...(onStep && { onStep }),
        });
      } finally {
        await runDatabase.end();
      }
    },
    async close() {
      await producer.disconnect();
      await database.end();
      await drop();
    },
  };
}

function settingsFrom(env: NodeJS.ProcessEnv): Settings {
  return loadSettings(env, ['kafka', 'registry', 'database']);
}

/** Those of livekit-agents 1.5.10, and of 1.8.9. */
export const calls: RecordedCalls = recordedCalls();
export const laterCalls: RecordedCalls = recordedCalls('livekit-1.8.9/calls');

/** Sentences for every row that is not what the Python implementation answered. */
export async function differencesFromPython(
  database: Database,
  recorded: RecordedCalls = calls,
): Promise<readonly string[]> {
  return (await compareWithPython(database, recorded)).differences;
}

/** Where the books do not balance. */
export async function breaks(database: Database): Promise<readonly Break[]> {
  return (await verify(database)).breaks;
}

/** A copy in an order that the seed decides. */
export function shuffled<T>(items: readonly T[], seed: number): T[] {
  const copy = [...items];
  let state = seed >>> 0;
  for (let i = copy.length - 1; i > 0; i -= 1) {
    // xorshift32
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    const j = (state >>> 0) % (i + 1);
    [copy[i], copy[j]] = [copy[j] as T, copy[i] as T];
  }
  return copy;
}
