import type { RecordBlock } from '../records/record-block.ts';
import type { TopicPartition } from '../records/topic-partition.ts';
import { WaitingTime } from './waiting-time.ts';

/** How far a partition loop has come, as status, metrics and /readyz show it. */
export class PartitionProgress implements TopicPartition {
  readonly topic: string;
  readonly partition: number;
  #position: number;
  #endOffset: number;
  #advancedAt: number;
  readonly #waiting = new WaitingTime();
  /** The share of dead letters among the last messages. */
  deadLetterShare = 0;
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

  /** When the first record that is not applied was written to Kafka; see `WaitingTime`. */
  get waitingSince(): number | undefined {
    return this.#waiting.since;
  }

  moveTo(position: number): void {
    this.#position = position;
    this.#waiting.appliedTo(position);
    this.#advancedAt = Date.now();
  }

  /** Notes that records were queued. */
  fetched(block: RecordBlock): void {
    this.#waiting.fetched(block, this.#position);
  }

  /** Notes where the partition ends as of a fetch. */
  endsAt(endOffset: number): void {
    this.#endOffset = endOffset;
    if (this.lag === 0) this.#advancedAt = Date.now();
  }
}
