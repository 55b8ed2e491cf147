import type { Kafka } from 'kafkajs';
import { createCluster } from './cluster.ts';
import { NO_TOPIC_ID, type TopicIdAnswer, topicIdRequest } from './topic-id-request.ts';

/** Source: Kafka protocol, API keys. */
const METADATA = 3;
/** The first version of a metadata answer that names topic ids (Kafka 2.8). */
const WITH_IDS = 10;

interface Broker {
  readonly versions: Record<number, { minVersion: number; maxVersion: number } | undefined>;
  readonly connectionPool: {
    send(call: ReturnType<typeof topicIdRequest>): Promise<TopicIdAnswer>;
  };
  connect(): Promise<void>;
  disconnect(): Promise<void>;
}
interface Cluster {
  readonly brokerPool: { findConnectedBroker(): Promise<Broker> };
  disconnect(): Promise<void>;
}

/**
 * The ids of topics: a topic that is deleted and recreated has another one, whatever its name and
 * offsets say. kafkajs speaks older versions of the protocol, which have none, so the request is our
 * own, over kafkajs's connections, with their TLS and SASL.
 */
export class TopicIds {
  readonly #kafka: Kafka;
  #cluster: Cluster | undefined;

  constructor(kafka: Kafka) {
    this.#kafka = kafka;
  }

  /**
   * @returns `undefined` when the brokers name none: before Kafka 2.8, or while there is no such topic
   * @throws when the brokers cannot be reached
   */
  async of(topic: string): Promise<string | undefined> {
    this.#cluster ??= createCluster<Cluster>(this.#kafka, { allowAutoTopicCreation: false });
    const broker = await this.#cluster.brokerPool.findConnectedBroker();
    // Found connected, a broker may still be asking for versions, for another call of this method.
    await broker.connect();
    const range = broker.versions[METADATA];
    if (range === undefined || range.maxVersion < WITH_IDS || range.minVersion > WITH_IDS) {
      return undefined;
    }
    try {
      const answer = await broker.connectionPool.send(topicIdRequest(topic));
      return answer.topicId === NO_TOPIC_ID ? undefined : answer.topicId;
    } catch (error) {
      // As kafkajs does itself: the next call connects again.
      await broker.disconnect();
      throw error;
    }
  }

  async close(): Promise<void> {
    await this.#cluster?.disconnect();
  }
}

/** Runs `work` with a client for topic ids that is closed afterwards. */
export async function withTopicIds<T>(
  kafka: Kafka,
  work: (ids: TopicIds) => Promise<T>,
): Promise<T> {
  const ids = new TopicIds(kafka);
  try {
    return await work(ids);
  } finally {
    await ids.close();
  }
}
