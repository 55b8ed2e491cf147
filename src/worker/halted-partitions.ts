import type { Logger } from '../config/logger.ts';
import { messageOf } from '../errors.ts';
import type { Halt } from '../ledger/halt.ts';
import type { StoredPosition } from '../ledger/position.ts';
import { keepHalt, positionsOf, rewind } from '../ledger/positions.ts';
import type { Database } from '../postgres/database.ts';
import { keyOf, type TopicPartition } from '../records/topic-partition.ts';
import type { PartitionSource } from '../source/partition-source.ts';
import type { PartitionLoop } from './partition-loop.ts';
import { wentBack } from './went-back.ts';

/** The loops of the current assignment, as what watches them sees them. */
export interface WatchedLoops {
  readonly loops: () => readonly PartitionLoop[];
  /** Looks the position up again and begins from there. */
  readonly resync: (loop: PartitionLoop, why: string) => void;
  /** The same, after the database lost what was committed. */
  readonly restored: (loop: PartitionLoop, why: string) => void;
}

export interface HaltedPartitionsOptions extends WatchedLoops {
  readonly source: Pick<PartitionSource, 'bounds' | 'topicId'>;
  readonly database: Database;
  readonly groupId: string;
  readonly topics: readonly string[];
  readonly logger: Logger;
  /** Set when loops have positions that the database does not know of. */
  readonly previewFrom?: unknown;
}

/** Stores halts, for `position show` and later workers, and polls for what ends them. */
export class HaltedPartitions {
  readonly #options: HaltedPartitionsOptions;
  /** Loops whose halt is stored, and those whose halt is being stored. */
  readonly #stored = new WeakSet<PartitionLoop>();
  readonly #storing = new Map<PartitionLoop, Promise<void>>();
  /** Halts by the limit that are not stored yet: a rebalance must not end them. */
  readonly #unstored = new Map<string, Halt>();
  /** The lowest end of a partition that ended before its position. */
  readonly #lowestEnd = new WeakMap<PartitionLoop, number>();

  constructor(options: HaltedPartitionsOptions) {
    this.#options = options;
  }

  /** Drops the halts of partitions that are assigned elsewhere: their next owner judges for itself. */
  assigned(partitions: readonly TopicPartition[]): void {
    const keys = new Set(partitions.map(keyOf));
    for (const key of this.#unstored.keys()) if (!keys.has(key)) this.#unstored.delete(key);
  }

  /** Why a partition that starts again must halt, although its position has no halt. */
  unstoredHaltOf(where: TopicPartition): Halt | undefined {
    return this.#unstored.get(keyOf(where));
  }

  /** The halt of a loop was read from where it is stored; called before the loop is halted. */
  isStored(loop: PartitionLoop): void {
    this.#stored.add(loop);
    this.#unstored.delete(keyOf(loop));
  }

  halted(loop: PartitionLoop): void {
    const { haltedFor } = loop;
    const { topic, partition, position: offset } = loop.progress;
    this.#options.logger.error(
      { topic, partition, offset },
      `${topic}/${partition} is halted at offset ${offset}: ${haltedFor?.why}`,
    );
    if (this.#stored.has(loop)) return;
    if (haltedFor?.kind === 'dead_letter_limit') this.#unstored.set(keyOf(loop), haltedFor);
    this.#store(loop);
  }

  /** Settles when what is being stored is stored, or could not be. */
  async settled(): Promise<void> {
    await Promise.all(this.#storing.values());
  }

  #store(loop: PartitionLoop): void {
    if (this.#storing.has(loop)) return;
    // What cannot be read now may be readable at the next start, which finds out by itself.
    if (loop.haltedFor?.kind === 'unreadable') return;
    const storing = this.#tryToStore(loop).finally(() => this.#storing.delete(loop));
    this.#storing.set(loop, storing);
  }

  async #tryToStore(loop: PartitionLoop): Promise<void> {
    const { database, groupId, logger } = this.#options;
    const { topic, partition, pass, haltedFor } = loop;
    if (haltedFor === undefined) return;
    const where = { topic, partition };
    const nextOffset = loop.progress.position;
    try {
      await keepHalt(database, { groupId, ...where, nextOffset, pass }, haltedFor);
      // Also when the position has moved since, which the next poll finds.
      this.isStored(loop);
    } catch (error) {
      logger.warn({ ...where, error: messageOf(error) }, 'the halt was not stored; trying again');
    }
  }

  /**
   * `position accept-loss`, `set` and `resume` decide about a halted partition, which then starts
   * again. So does one that ended before its position and does not any more.
   */
  async poll(): Promise<void> {
    const { database, groupId, topics, loops, resync, restored, previewFrom } = this.#options;
    if (previewFrom !== undefined) return;
    const halted = loops().filter(({ isHalted }) => isHalted);
    if (halted.length === 0) return;
    // A database that does not answer now is asked again at the next poll.
    const positions = await positionsOf(database, groupId, topics).catch(() => undefined);
    if (positions === undefined) return;
    for (const loop of halted) {
      const nextOffset = loop.progress.position;
      const { pass } = loop;
      const now = positions.get(keyOf(loop));
      const lost = wentBack(loop, { nextOffset, pass }, now);
      if (lost !== undefined || now === undefined) restored(loop, lost ?? '');
      else if (now.nextOffset !== nextOffset || now.pass !== pass) {
        resync(loop, `the position was set to ${now.nextOffset}`);
      } else if (!this.#stored.has(loop)) {
        this.#store(loop);
      } else if (now.halt === undefined) {
        resync(loop, 'the halt was ended');
      } else if (loop.haltedFor?.kind === 'lost_offsets') {
        await this.#checkEnd(loop, now);
      }
    }
  }

  /**
   * A partition whose end came back is read again from the lowest end that was seen: what is there
   * may be other messages than before, and those that are the same are duplicates.
   */
  async #checkEnd(loop: PartitionLoop, position: StoredPosition): Promise<void> {
    const { source, database, groupId, resync, logger } = this.#options;
    const { topic, partition } = loop;
    const where = { groupId, topic, partition };
    try {
      const bounds = (await source.bounds(topic)).get(partition);
      const topicId = await source.topicId(topic);
      if (bounds === undefined || topicId === undefined || topicId !== position.topicId) return;
      const { nextOffset } = position;
      const seen = this.#lowestEnd.get(loop) ?? loop.progress.endOffset;
      const lowest = Math.min(seen, bounds.latest);
      this.#lowestEnd.set(loop, lowest);
      const hasComeBack = lowest < nextOffset && nextOffset <= bounds.latest;
      if (!hasComeBack || bounds.earliest > lowest) return;
      await rewind(database, where, lowest, position, { ...bounds, latest: lowest, topicId });
      resync(loop, `the partition ends at ${bounds.latest} again; reading from ${lowest}`);
    } catch (error) {
      logger.debug({ topic, partition, error: messageOf(error) }, 'a halted partition: no answer');
    }
  }
}
