import type { Kafka } from 'kafkajs';
import type { Logger } from '../config/logger.ts';
import type { Settings } from '../config/settings.ts';
import { WrongUsageError } from '../errors.ts';
import { withAdmin } from '../kafka/admin.ts';
import { anyBroker } from '../kafka/any-broker.ts';
import { createKafka } from '../kafka/client.ts';
import { type MissingTopic, missingTopics } from '../kafka/topics.ts';
import { reach } from './reach.ts';

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
