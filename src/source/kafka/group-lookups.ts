import type { Admin, Kafka } from 'kafkajs';
import { topicBounds } from '../../kafka/admin.ts';
import { LogEnds } from '../../kafka/log-ends.ts';
import { TopicIds } from '../../kafka/topic-ids.ts';
import { isAboutTopics } from '../../kafka/topics.ts';
import type { PartitionBounds } from '../../records/topic-partition.ts';
import type { CommittedOffset } from '../partition-source.ts';

/** Looks up what the brokers hold of a group and its topics, over connections of its own. */
export class GroupLookups {
  readonly #kafka: Kafka;
  readonly #topicIds: TopicIds;
  readonly #logEnds: LogEnds;
  readonly #groupId: string;
  #admin: Promise<Admin> | undefined;

  constructor(kafka: Kafka, groupId: string) {
    this.#kafka = kafka;
    this.#topicIds = new TopicIds(kafka);
    this.#logEnds = new LogEnds(kafka);
    this.#groupId = groupId;
  }

  /** An empty map for a group that never existed. @throws when the brokers cannot be reached */
  async committed(topic: string): Promise<Map<number, CommittedOffset>> {
    const [fetched] = await this.#ask((admin) =>
      admin.fetchOffsets({ groupId: this.#groupId, topics: [topic] }),
    ).catch((error: unknown) => {
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
  bounds(topic: string): Promise<Map<number, PartitionBounds>> {
    return this.#ask((admin) => topicBounds(admin, topic));
  }

  /** @throws when the brokers cannot be reached */
  logEnds(topic: string): Promise<Map<number, number>> {
    return this.#logEnds.of(topic);
  }

  /** @throws when the brokers cannot be reached */
  topicId(topic: string): Promise<string | undefined> {
    return this.#topicIds.of(topic);
  }

  async close(): Promise<void> {
    await this.#topicIds.close();
    await this.#logEnds.close();
    const admin = await this.#admin?.catch(() => undefined);
    await admin?.disconnect();
  }

  async #ask<T>(work: (admin: Admin) => Promise<T>): Promise<T> {
    this.#admin ??= this.#connect();
    const connecting = this.#admin;
    try {
      return await work(await connecting);
    } catch (error) {
      // A client of kafkajs keeps asking for every topic that it was asked for once: when one of them
      // is deleted, lookups of all others fail too. So another client takes its place.
      if (isAboutTopics(error) && this.#admin === connecting) {
        this.#admin = undefined;
        connecting.then((admin) => admin.disconnect()).catch(() => {});
      }
      throw error;
    }
  }

  async #connect(): Promise<Admin> {
    const admin = this.#kafka.admin();
    try {
      await admin.connect();
      return admin;
    } catch (error) {
      this.#admin = undefined;
      throw error;
    }
  }
}

function isUnknownGroup(error: unknown): boolean {
  return error instanceof Error && 'type' in error && error.type === 'GROUP_ID_NOT_FOUND';
}
