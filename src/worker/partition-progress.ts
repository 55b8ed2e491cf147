import type { TopicPartition } from '../records/topic-partition.ts';

/** How far a partition loop has come, as status, metrics and /readyz show it. */
export class PartitionProgress implements TopicPartition {
  readonly topic: string;
  readonly partition: number;
  #position: number;
  #endOffset: number;
  #advancedAt: number;
  /** The dependency that the loop waits for, and its error; `undefined` when it waits for none. */
  trouble: string | undefined;

  constructor(
    { topic, partition }: TopicPartition,
    start: {
      readonly nextOffset: number;
      readonly endOffset: number;
      readonly advancedAt: number;
    },
  ) {
    this.topic = topic;
    this.partition = partition;
    this.#position = start.nextOffset;
    this.#endOffset = start.endOffset;
    this.#advancedAt = start.advancedAt;
  }

  /** The next offset to be applied. */
  get position(): number {
    return this.#position;
  }

  /** The end of the partition, as far as is known. */
  get endOffset(): number {
    return this.#endOffset;
  }

  /** Offsets between the position and the end of the partition, as far as is known. */
  get lag(): number {
    return Math.max(this.#endOffset - this.#position, 0);
  }

  /** When the position last moved or there was nothing to do, in milliseconds since 1970. */
  get advancedAt(): number {
    return this.#advancedAt;
  }

  moveTo(position: number): void {
    this.#position = position;
    this.#advancedAt = Date.now();
  }

  /** Notes where the partition ends as of a fetch. */
  endsAt(endOffset: number): void {
    this.#endOffset = endOffset;
    if (this.lag === 0) this.#advancedAt = Date.now();
  }
}
