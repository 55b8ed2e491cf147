import type { Kafka } from 'kafkajs';
import { createCluster } from './cluster.ts';

/** Source: Kafka protocol, ListOffsets. */
const READ_UNCOMMITTED = 0;

interface Cluster {
  connect(): Promise<void>;
  addTargetTopic(topic: string): Promise<void>;
  refreshMetadata(): Promise<void>;
  findTopicPartitionMetadata(topic: string): readonly { readonly partitionId: number }[];
  fetchTopicsOffset(
    topics: readonly {
      readonly topic: string;
      readonly fromBeginning: false;
      readonly partitions: readonly { readonly partition: number }[];
    }[],
  ): Promise<
    { readonly partitions: readonly { readonly partition: number; readonly offset: string }[] }[]
  >;
  disconnect(): Promise<void>;
}

/**
 * Where the logs of partitions end. The lookups of kafkajs give the end of what may be read: with an open
 * transaction that is its beginning, whatever others wrote since.
 */
export class LogEnds {
  readonly #kafka: Kafka;
  #cluster: Cluster | undefined;

  constructor(kafka: Kafka) {
    this.#kafka = kafka;
  }

  /**
   * The offset after the last record of each partition, records of open transactions included.
   *
   * @throws when the brokers cannot be reached
   */
  async of(topic: string): Promise<Map<number, number>> {
    const options = { allowAutoTopicCreation: false, isolationLevel: READ_UNCOMMITTED };
    this.#cluster ??= createCluster<Cluster>(this.#kafka, options);
    const cluster = this.#cluster;
    try {
      await cluster.connect();
      await cluster.addTargetTopic(topic);
      await cluster.refreshMetadata();
      const known = cluster.findTopicPartitionMetadata(topic);
      const partitions = known.map(({ partitionId: partition }) => ({ partition }));
      const [ends] = await cluster.fetchTopicsOffset([{ topic, fromBeginning: false, partitions }]);
      return new Map(ends?.partitions.map(({ partition, offset }) => [partition, Number(offset)]));
    } catch (error) {
      // It asks for every topic that it was asked for once: one that is deleted would fail all others.
      this.#cluster = undefined;
      await cluster.disconnect().catch(() => {});
      throw error;
    }
  }

  async close(): Promise<void> {
    await this.#cluster?.disconnect();
  }
}
