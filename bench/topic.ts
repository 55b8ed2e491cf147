import { createLogger } from '../src/config/logger.ts';
import { withAdmin } from '../src/kafka/admin.ts';
import { createKafka } from '../src/kafka/client.ts';
import { encodeEvent } from '../src/produce/encoder.ts';
import { EventProducer, type ProducedMessage } from '../src/produce/event-producer.ts';
import { createRegistry } from '../src/registry/schema-registry.ts';
import { registerSchema } from '../src/registry/subjects.ts';
import { type SimulatedEvent, simulateEvents } from '../src/simulate/simulate-events.ts';
import type { BenchServices } from './services.ts';

export const PARTITIONS = 4;
const LIVE_SESSIONS = 2_000;
const SEED = 20_261_124;

/** The events of the bench: seeded, a mix of real calls, 2,000 of them alive at once. */
export function* benchEvents(count: number, seed = SEED): Generator<SimulatedEvent> {
  let left = count;
  const options = { sessions: 1_000_000, seed, liveSessions: LIVE_SESSIONS };
  for (const event of simulateEvents(options)) {
    if (left-- === 0) return;
    yield event;
  }
}

export interface FilledTopic {
  readonly topic: string;
  readonly events: number;
  /** Average bytes of a message's value. */
  readonly bytes: number;
}

/**
 * Makes a topic of four partitions, keyed by session, and fills it.
 *
 * @param duplicates for every event, so many more times that it is sent, 0 or 1
 */
export async function fillTopic(
  services: BenchServices,
  topic: string,
  events: Iterable<SimulatedEvent>,
  duplicates = 0,
): Promise<FilledTopic> {
  const settings = services.settings({ KAFKA_TOPICS: topic });
  const kafka = createKafka(settings, createLogger('fatal'));
  const registry = createRegistry(settings);
  const schemaId = await registerSchema(registry, settings, topic);
  await withAdmin(kafka, (admin) =>
    admin.createTopics({
      topics: [{ topic, numPartitions: PARTITIONS, replicationFactor: 1 }],
      waitForLeaders: true,
    }),
  );
  const producer = new EventProducer(kafka, topic);
  await producer.connect();
  let bytes = 0;
  // A duplicate comes some thousand messages after its first, as after a retry.
  const again: ProducedMessage[] = [];
  for (const event of events) {
    const message = await encodeEvent(registry, schemaId, event);
    bytes += message.value.length;
    await producer.add(message);
    if (duplicates > 0) again.push(message);
    if (again.length >= 5_000) for (const copy of again.splice(0)) await producer.add(copy);
  }
  for (const copy of again) await producer.add(copy);
  await producer.flush();
  const sent = producer.sent;
  await producer.disconnect();
  return { topic, events: sent, bytes: bytes / (sent / (1 + duplicates)) };
}
