import type { Admin, Kafka } from 'kafkajs';
import { type PartitionBounds, topicBounds } from '../kafka/admin.ts';
import { TopicIds } from '../kafka/topic-ids.ts';
import type { CommittedOffset } from './partition-source.ts';

/** What the brokers say of a group and its topics, over connections of its own. */
export class GroupLookups {
  readonly #admin: Admin;
  readonly #topicIds: TopicIds;
  readonly #groupId: string;
  #connected: Promise<void> | undefined;

  constructor(kafka: Kafka, groupId: string) {
    this.#admin = kafka.admin();
    this.#topicIds = new TopicIds(kafka);
    this.#groupId = groupId;
  }

  /** Nothing for a group that has never been. @throws when the brokers cannot be reached */
  async committed(topic: string): Promise<Map<number, CommittedOffset>> {
    const admin = await this.#connect();
    const [fetched] = await admin
      .fetchOffsets({ groupId: this.#groupId, topics: [topic] })
      .catch((error: unknown) => {
        // Apache Kafka answers that no partition has an offset; other brokers, that there is no group.
        if (isUnknownGroup(error)) return [];
        throw error;
      });
    return new Map(
      fetched?.partitions.map(({ partition, offset, metadata }) => [
        partition,
        { nextOffset: Number(offset) < 0 ? undefined : Number(offset), metadata: metadata ?? '' },
      ]),
    );
  }

  /** @throws when the brokers cannot be reached */
  async bounds(topic: string): Promise<Map<number, PartitionBounds>> {
    return topicBounds(await this.#connect(), topic);
  }

  /** @throws when the brokers cannot be reached */
  topicId(topic: string): Promise<string | undefined> {
    return this.#topicIds.of(topic);
  }

  async close(): Promise<void> {
    await this.#topicIds.close();
    if (this.#connected !== undefined) await this.#admin.disconnect();
  }

  async #connect(): Promise<Admin> {
    this.#connected ??= this.#admin.connect();
    try {
      await this.#connected;
    } catch (error) {
      this.#connected = undefined;
      throw error;
    }
    return this.#admin;
  }
}

function isUnknownGroup(error: unknown): boolean {
  return error instanceof Error && 'type' in error && error.type === 'GROUP_ID_NOT_FOUND';
}
