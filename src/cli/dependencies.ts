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

/** Who waits longer is told for what. */
const SILENCE_MS = 2_000;
const FIRST_DELAY_MS = 100;
const MOST_DELAY_MS = 2_000;

/** Kafka, once a broker has answered: whichever of them. */
export async function reachKafka(settings: Settings, logger: Logger): Promise<Kafka> {
  const first = await reach(settings, `Kafka at ${settings.KAFKA_BROKERS.join(', ')}`, () =>
    anyBroker(settings, logger),
  );
  const others = settings.KAFKA_BROKERS.filter((broker) => broker !== first);
  return createKafka({ ...settings, KAFKA_BROKERS: [first, ...others] }, logger);
}

/** Waits until every topic is there. */
export async function reachTopics(
  settings: Settings,
  kafka: Kafka,
  topics: readonly string[],
): Promise<void> {
  await reachSome(settings, kafka, topics, (missing) => missing === 0);
}

/** Waits until one of the topics is there: a worker reads it, and the others when they are there. */
export async function reachAnyTopic(
  settings: Settings,
  kafka: Kafka,
  topics: readonly string[],
): Promise<void> {
  await reachSome(settings, kafka, topics, (missing) => missing < topics.length);
}

/** @throws {WrongUsageError} when a topic is not there: nobody is about to make it */
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

/** Postgres, once it has answered, whatever is in it. */
export async function reachServer(settings: Settings, size: number): Promise<Database> {
  const database = openDatabase(settings, size);
  try {
    await reach(settings, databaseName(settings), () => database.query('SELECT 1'));
    return database;
  } catch (error) {
    // Not awaited: an attempt to connect that hangs would be waited for.
    void database.end();
    throw error;
  }
}

/**
 * All of them side by side. What one of them refuses, such as a password or a schema without tables,
 * ends the wait for the others at once; what cannot be reached is named together.
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

/** Tries until it works, is refused for good, or STARTUP_TIMEOUT_S has passed. */
async function reach<T>(settings: Settings, what: string, probe: () => Promise<T>): Promise<T> {
  const seconds = settings.STARTUP_TIMEOUT_S;
  const begun = Date.now();
  const deadline = begun + seconds * 1_000;
  let isTold = false;
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
    if (!isTold && Date.now() - begun > SILENCE_MS) {
      isTold = true;
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
