import type { Logger } from '../config/logger.ts';
import { messageOf } from '../errors.ts';
import { keyOf, type TopicPartition } from '../records/topic-partition.ts';
import type { CommittedPosition, PartitionSource } from '../source/partition-source.ts';
import { COMMIT_METADATA } from './start-offset.ts';

/** Lag tools poll every few seconds: a commit per batch would be for nobody. */
const INTERVAL_MS = 500;

/**
 * Copies positions to the broker after they were committed in Postgres: the newest of each partition,
 * at most twice a second. Nothing depends on the copy: a failure is logged, and the newest position
 * is tried at the next turn.
 */
export class CommitQueue {
  readonly #source: PartitionSource;
  readonly #logger: Logger;
  readonly #pending = new Map<string, CommittedPosition>();
  #timer: NodeJS.Timeout | undefined;
  #committing: Promise<void> = Promise.resolve();
  #clears = 0;

  constructor(source: PartitionSource, logger: Logger) {
    this.#source = source;
    this.#logger = logger;
  }

  note({ topic, partition }: TopicPartition, nextOffset: number, pass: number): void {
    const metadata = `${COMMIT_METADATA} pass=${pass}`;
    this.#add({ topic, partition, nextOffset, metadata });
  }

  /** Drops what is pending, or fails later: the partitions may belong to others by now. */
  clear(): void {
    this.#clears += 1;
    this.#take();
  }

  /** Commits what is pending. Never throws. */
  flush(): Promise<void> {
    const positions = this.#take();
    const clears = this.#clears;
    if (positions.length > 0) {
      this.#committing = this.#committing.then(async () => {
        try {
          await this.#source.commit(positions);
        } catch (error) {
          this.#logger.debug(
            { error: messageOf(error) },
            'the positions were not copied to the broker; trying again',
          );
          if (clears === this.#clears) this.#retry(positions);
        }
      });
    }
    return this.#committing;
  }

  #retry(positions: readonly CommittedPosition[]): void {
    for (const position of positions) {
      if (!this.#pending.has(keyOf(position))) this.#add(position);
    }
  }

  #add(position: CommittedPosition): void {
    this.#pending.set(keyOf(position), position);
    this.#timer ??= setTimeout(() => void this.flush(), INTERVAL_MS);
  }

  #take(): CommittedPosition[] {
    const positions = [...this.#pending.values()];
    this.#pending.clear();
    clearTimeout(this.#timer);
    this.#timer = undefined;
    return positions;
  }
}
