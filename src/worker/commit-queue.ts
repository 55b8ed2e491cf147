import type { Logger } from '../config/logger.ts';
import { messageOf } from '../errors.ts';
import { keyOf, type TopicPartition } from '../records/topic-partition.ts';
import type { PartitionSource } from '../source/partition-source.ts';
import { COMMIT_METADATA } from './start-offset.ts';

/** Lag tools poll every few seconds: a commit per batch would be for nobody. */
const INTERVAL_MS = 500;

/**
 * Copies positions to the broker after they were committed in Postgres: the newest of each partition,
 * at most twice a second. Nothing depends on the copy: a failure is logged, and the next position
 * replaces it.
 */
export class CommitQueue {
  readonly #source: PartitionSource;
  readonly #logger: Logger;
  readonly #pending = new Map<string, TopicPartition & { nextOffset: number; metadata: string }>();
  #timer: NodeJS.Timeout | undefined;
  #committing: Promise<void> = Promise.resolve();

  constructor(source: PartitionSource, logger: Logger) {
    this.#source = source;
    this.#logger = logger;
  }

  note({ topic, partition }: TopicPartition, nextOffset: number, pass: number): void {
    const metadata = `${COMMIT_METADATA} pass=${pass}`;
    this.#pending.set(keyOf({ topic, partition }), { topic, partition, nextOffset, metadata });
    this.#timer ??= setTimeout(() => void this.flush(), INTERVAL_MS);
  }

  /** Drops what is pending: the partitions may belong to others by now. */
  clear(): void {
    this.#pending.clear();
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** Commits what is pending. Never throws. */
  flush(): Promise<void> {
    const positions = [...this.#pending.values()];
    this.clear();
    if (positions.length > 0) {
      this.#committing = this.#committing.then(async () => {
        try {
          await this.#source.commit(positions);
        } catch (error) {
          this.#logger.debug(
            { error: messageOf(error) },
            'the positions were not copied to the broker; the next copy replaces this one',
          );
        }
      });
    }
    return this.#committing;
  }
}
