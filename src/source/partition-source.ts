import type { MissingTopic } from '../kafka/topics.ts';
import type { RecordBlock } from '../records/record-block.ts';
import type { PartitionBounds, TopicPartition } from '../records/topic-partition.ts';

/**
 * All that the worker relies on in a Kafka client, so that another client can take its place. The
 * conformance suite (test/source/conformance.ts) runs over every implementation.
 */
export interface PartitionSource {
  /**
   * Joins the group and begins to call `listener`. Settles when the first join is under way; from
   * then on the source recovers by itself from whatever the brokers do, until `stop`. Topics and
   * partitions that are created later are found within half a minute.
   */
  start(listener: SourceListener): Promise<void>;

  /** Leaves the group. Nothing is delivered once it has settled. Never throws. */
  stop(): Promise<void>;

  /**
   * Sets where the next delivery of an assigned partition begins. What was fetched before and not
   * delivered is dropped. Does nothing for a partition that is not assigned.
   */
  seek(partition: TopicPartition, offset: number): void;

  /** Stops and restarts fetching. A batch that was under way may still be delivered after `pause`. */
  pause(partition: TopicPartition): void;
  resume(partition: TopicPartition): void;

  /**
   * Commits positions to the group: a copy, for tools that show lag.
   *
   * @throws when the group has moved on or cannot be reached; nothing depends on it
   */
  commit(positions: readonly CommittedPosition[]): Promise<void>;

  /**
   * Registers the schema of an id, so that what is fetched from now on may be read ahead. A hint:
   * nothing depends on it.
   */
  registerSchema(schemaId: number, schema: unknown): void;

  /** What the group has committed, for every partition of `topic`. Throws when unreachable. */
  committed(topic: string): Promise<Map<number, CommittedOffset>>;

  /**
   * What may be read of every partition of `topic`: up to the first transaction that is open. Throws when
   * unreachable.
   */
  bounds(topic: string): Promise<Map<number, PartitionBounds>>;

  /**
   * The offset after the last record of every partition of `topic`, in an open transaction or not. Throws
   * when unreachable.
   */
  logEnds(topic: string): Promise<Map<number, number>>;

  /**
   * The id of a topic, which differs from that of another one of its name, created after it was
   * deleted; `undefined` when the brokers name none. Throws when unreachable.
   */
  topicId(topic: string): Promise<string | undefined>;
}

/** The half of a `PartitionSource` that is a member of the group. */
export type GroupMember = Omit<
  PartitionSource,
  'registerSchema' | 'committed' | 'bounds' | 'logEnds' | 'topicId'
>;

export interface CommittedPosition extends TopicPartition {
  readonly nextOffset: number;
  readonly metadata: string;
}

export interface CommittedOffset {
  /** `undefined`: nothing is committed. */
  readonly nextOffset: number | undefined;
  readonly metadata: string;
}

/** None of these may throw. */
export interface SourceListener {
  /**
   * The group assigned exactly these partitions to this worker. All are paused, those that it had
   * before too: each needs a `seek` and a `resume`.
   */
  assigned(partitions: readonly TopicPartition[]): void;

  /** The group rebalances; what is delivered until `assigned` is late. */
  revoked(): void;

  /**
   * Records of one partition, in order. What it returns settles, within a quarter of a second, when
   * more may be delivered: the source fetches nothing from that broker until then.
   */
  fetched(batch: FetchedBatch): Promise<void> | undefined;

  /** The bytes of a partition cannot be read from an offset on: it is paused, the others are not. */
  unreadable(part: UnreadablePart): void;

  /** Those of the source's topics that are not read: they do not exist, or the brokers deny access. */
  missing(topics: readonly MissingTopic[]): void;
}

export interface UnreadablePart extends TopicPartition {
  /** The offset that was asked for. */
  readonly fromOffset: number;
  /** For a person: what cannot be read, why, and how to resume. */
  readonly why: string;
}

export interface FetchedBatch extends TopicPartition {
  /** The offset that was asked for: the batch leaves out nothing from there that still exists. */
  readonly fromOffset: number;
  /** The offset after the batch, control records included. */
  readonly nextOffset: number;
  readonly records: RecordBlock;
  /** The partition's end as of this fetch. */
  readonly endOffset: number;
}
