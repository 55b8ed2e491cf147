import type { SchemaRegistry } from '@kafkajs/confluent-schema-registry';
import type { Kafka } from 'kafkajs';
import { createLogger } from '../../src/config/logger.ts';
import { loadSettings } from '../../src/config/settings.ts';
import { createKafka } from '../../src/kafka/client.ts';
import { migrateDatabase } from '../../src/migrate/migrate.ts';
import { type Database, openDatabase } from '../../src/postgres/database.ts';
import { createRegistry } from '../../src/registry/schema-registry.ts';
import { checkCompatibility, registerSchema } from '../../src/registry/subjects.ts';
import { verify } from '../../src/verify/verify.ts';
import { compareWithPython } from '../../tools/demo/compare.ts';
import { fillTopic } from '../../tools/demo/demo-topic.ts';
import { recordedCalls } from '../../tools/demo/recorded-calls.ts';
import { freshDatabase } from '../support/stack.ts';
import type { StackUrls } from '../support/stack-urls.ts';
import type { Lab } from './combination.ts';
import { runUntilCaughtUp } from './worker-run.ts';

const PROBLEMS_SHOWN = 2;

/** What a producer is given. */
export interface Scene {
  readonly urls: StackUrls;
  readonly topic: string;
  readonly kafka: Kafka;
  readonly registry: SchemaRegistry;
  readonly schemaId: number;
}

/** What the books must say besides the rows of the calls. */
export interface Expected {
  readonly messages: number;
  readonly deadLetters: number;
}

/** Makes the topic and puts the recorded calls on it. */
export type Produce = (scene: Scene) => Promise<Expected>;

/** Our own producer: the calls, some events twice, and messages that nobody can read. */
export const produceOurselves: Produce = async ({ kafka, registry, schemaId, topic }) => {
  const { events } = recordedCalls();
  const { again, malformed } = await fillTopic(kafka, registry, schemaId, topic, events);
  return { messages: events.length + again + malformed, deadLetters: malformed };
};

/**
 * The way of the recorded calls through these services: schema, topic, worker, ledger.
 *
 * @returns what was seen, when every row and every count is as it must be
 */
export async function billCalls(lab: Lab, urls: StackUrls, produce: Produce): Promise<string> {
  const { url, drop } = await freshDatabase(urls.databaseUrl);
  const topic = `calls-${new URL(url).pathname.slice(1)}`;
  const env = {
    KAFKA_BROKERS: urls.kafkaBrokers,
    SCHEMA_REGISTRY_URL: urls.schemaRegistryUrl,
    DATABASE_URL: url,
    KAFKA_TOPICS: topic,
    KAFKA_GROUP_ID: topic,
    HTTP_PORT: 'off',
    LOG_LEVEL: 'warn',
  };
  const settings = loadSettings(env, ['kafka', 'registry', 'database']);
  const kafka = createKafka(settings, createLogger('fatal'));
  await migrateDatabase(settings);
  const database = openDatabase(settings, 2);
  try {
    const registry = createRegistry(settings);
    const schemaId = await registerSchema(registry, settings, topic);
    const { compatible, messages } = await checkCompatibility(settings, topic);
    if (!compatible) throw new Error(`the registry refuses our own schema: ${messages.join()}`);
    const expected = await produce({ urls, topic, kafka, registry, schemaId });
    await runUntilCaughtUp(lab, env);
    return await checked(database, expected);
  } finally {
    await database.end();
    await drop();
  }
}

async function checked(database: Database, expected: Expected): Promise<string> {
  const { rows, differences } = await compareWithPython(database, recordedCalls());
  const { breaks } = await verify(database);
  const problems = [
    ...(await wrongCounts(database, expected)),
    ...differences,
    ...breaks.map(({ check, found }) => `${check}: ${JSON.stringify(found)}`),
  ];
  if (problems.length > 0) {
    const more = problems.length - PROBLEMS_SHOWN;
    const shown = problems.slice(0, PROBLEMS_SHOWN).join('; ');
    throw new Error(more > 0 ? `${shown}; and ${more} more` : shown);
  }
  return `exact: ${rows} rows, the books balance`;
}

async function wrongCounts(database: Database, expected: Expected): Promise<string[]> {
  const { rows } = await database.query<Record<'consumed' | 'dead_letter' | 'conflict', string>>(
    `SELECT sum(consumed) AS consumed, sum(dead_letter) AS dead_letter, sum(conflict) AS conflict
     FROM consumed_range`,
  );
  const found = rows[0];
  return [
    ...differing('messages', found?.consumed, expected.messages),
    ...differing('dead letters', found?.dead_letter, expected.deadLetters),
    ...differing('conflicts', found?.conflict, 0),
  ];
}

function differing(what: string, found: string | undefined, expected: number): string[] {
  return Number(found) === expected ? [] : [`${found} ${what}, expected ${expected}`];
}
