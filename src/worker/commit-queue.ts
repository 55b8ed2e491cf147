import type { Logger } from '../config/logger.ts';
import { messageOf } from '../errors.ts';
import { keyOf, type TopicPartition } from '../records/topic-partition.ts';
import type { PartitionSource } from '../source/partition-source.ts';
import { COMMIT_METADATA } from './start-offset.ts';

/** Lag tools look every few seconds; the broker need not hear of every batch. */
const INTERVAL_MS = 500;

/**
 * Copies positions to the broker, after they were committed in Postgres, the newest of each
 * partition and not more than twice a second. Nothing depends on the copy: a failure is noted and
 * the next position is tried.
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

  /** Forgets what is pending: the partitions may belong to others by now. */
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
          this.#logger.debug({ error: messageOf(error) }, 'copying positions to the broker failed');
        }
      });
    }
    return this.#committing;
  }
}
