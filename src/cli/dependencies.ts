import { setTimeout as delay } from 'node:timers/promises';
import type { SchemaRegistry } from '@kafkajs/confluent-schema-registry';
import type { Kafka } from 'kafkajs';
import type { Logger } from '../config/logger.ts';
import type { Settings } from '../config/settings.ts';
import { messageOf, UnreachableError, UsageLedgerError, WrongUsageError } from '../errors.ts';
import { withAdmin } from '../kafka/admin.ts';
import { anyBroker } from '../kafka/any-broker.ts';
import { createKafka } from '../kafka/client.ts';
import { type MissingTopic, missingTopics } from '../kafka/topics.ts';
import { requireCurrentSchema } from '../migrate/migrate.ts';
import { type Database, openDatabase } from '../postgres/database.ts';
import { createRegistry } from '../registry/schema-registry.ts';
import { pingRegistry } from '../registry/subjects.ts';
import { note } from './output.ts';
import { refusalOf } from './refusals.ts';

/** A longer wait is announced on standard error. */
const SILENCE_MS = 2_000;
const FIRST_DELAY_MS = 100;
const MOST_DELAY_MS = 2_000;

/** Kafka, once any of the brokers has answered. */
export async function reachKafka(settings: Settings, logger: Logger): Promise<Kafka> {
  const first = await reach(settings, `Kafka at ${settings.KAFKA_BROKERS.join(', ')}`, () =>
    anyBroker(settings, logger),
  );
  const others = settings.KAFKA_BROKERS.filter((broker) => broker !== first);
  return createKafka({ ...settings, KAFKA_BROKERS: [first, ...others] }, logger);
}

/** Waits until every topic exists. */
export async function reachTopics(
  settings: Settings,
  kafka: Kafka,
  topics: readonly string[],
): Promise<void> {
  await reachSome(settings, kafka, topics, (missing) => missing === 0);
}

/** Waits until one of the topics exists. A worker starts with it and adds the others later. */
export async function reachAnyTopic(
  settings: Settings,
  kafka: Kafka,
  topics: readonly string[],
): Promise<void> {
  await reachSome(settings, kafka, topics, (missing) => missing < topics.length);
}

/** @throws {WrongUsageError} when a topic does not exist: no point in waiting for it */
export async function requireTopics(kafka: Kafka, topics: readonly string[]): Promise<void> {
  const missing = await withAdmin(kafka, (admin) => missingTopics(admin, topics));
  if (missing.length > 0) throw new WrongUsageError(namesOf(missing));
}

async function reachSome(
  settings: Settings,
  kafka: Kafka,
  topics: readonly string[],
  isEnough: (missing: number) => boolean,
): Promise<void> {
  await reach(settings, `topic ${topics.join(', ')}`, () =>
    withAdmin(kafka, async (admin) => {
      const missing = await missingTopics(admin, topics);
      if (!isEnough(missing.length)) throw new Error(namesOf(missing));
    }),
  );
}

function namesOf(missing: readonly MissingTopic[]): string {
  return missing.map(({ topic, why }) => `${topic}: ${why}`).join('; ');
}

/** The schema registry, once it has answered. */
export async function reachRegistry(settings: Settings): Promise<SchemaRegistry> {
  const where = `the schema registry at ${settings.SCHEMA_REGISTRY_URL}`;
  await reach(settings, where, () => pingRegistry(settings));
  return createRegistry(settings);
}

/** Postgres, once it has answered, with the tables of this version. */
export async function reachDatabase(settings: Settings, size: number): Promise<Database> {
  const database = await reachServer(settings, size);
  try {
    await requireCurrentSchema(database, settings);
    return database;
  } catch (error) {
    await database.end();
    throw error;
  }
}

/** Postgres, once it has answered, whether or not it has our tables. */
export async function reachServer(settings: Settings, size: number): Promise<Database> {
  const database = openDatabase(settings, size);
  try {
    await reach(settings, databaseName(settings), () => database.query('SELECT 1'));
    return database;
  } catch (error) {
    // Not awaited: it would wait for a connection attempt that hangs.
    void database.end();
    throw error;
  }
}

/**
 * Runs all attempts concurrently. A refusal, such as a wrong password or a schema without tables,
 * rejects at once; dependencies that cannot be reached are reported together.
 */
export async function together<T extends readonly unknown[]>(
  attempts: readonly [...{ [K in keyof T]: Promise<T[K]> }],
): Promise<T> {
  const unreachable: UnreachableError[] = [];
  const noted = attempts.map((attempt: Promise<unknown>) =>
    attempt.catch((reason: unknown) => {
      if (!(reason instanceof UnreachableError)) throw reason;
      unreachable.push(reason);
    }),
  );
  const reached = await Promise.all(noted);
  if (unreachable.length === 0) return reached as unknown as T;
  if (unreachable.length === 1) throw unreachable[0];
  throw new UnreachableError(unreachable.map(messageOf).join('\n'));
}

function databaseName(settings: Settings): string {
  const { hostname, port, pathname } = new URL(settings.DATABASE_URL);
  return `Postgres at ${hostname}:${port || 5432}${pathname}`;
}

/** Retries until the probe succeeds, is refused permanently, or STARTUP_TIMEOUT_S has passed. */
async function reach<T>(settings: Settings, what: string, probe: () => Promise<T>): Promise<T> {
  const seconds = settings.STARTUP_TIMEOUT_S;
  const begun = Date.now();
  const deadline = begun + seconds * 1_000;
  let isAnnounced = false;
  let wait = FIRST_DELAY_MS;
  let last: unknown = new Error('no answer');
  for (;;) {
    const left = Math.max(deadline - Date.now(), 0);
    try {
      return await Promise.race([probe(), tooLate(left, () => last)]);
    } catch (error) {
      if (error instanceof UsageLedgerError && !(error instanceof UnreachableError)) throw error;
      const toCheck = refusalOf(error);
      if (toCheck !== undefined) {
        throw new WrongUsageError(`${what} refused: ${messageOf(error)}; check ${toCheck}`, {
          cause: error,
        });
      }
      last = error;
    }
    if (!isAnnounced && Date.now() - begun > SILENCE_MS) {
      isAnnounced = true;
      note(`waiting for ${what}, up to ${seconds} s: ${messageOf(last)}`);
    }
    if (Date.now() + wait >= deadline) {
      throw new UnreachableError(
        `${what} was not reached within ${seconds} s: ${messageOf(last)}`,
        {
          cause: last,
        },
      );
    }
    await delay(wait);
    wait = Math.min(wait * 2, MOST_DELAY_MS);
  }
}

async function tooLate(ms: number, last: () => unknown): Promise<never> {
  await delay(ms, undefined, { ref: false });
  throw last();
}
