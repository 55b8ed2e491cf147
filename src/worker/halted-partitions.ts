import type { Logger } from '../config/logger.ts';
import { messageOf } from '../errors.ts';
import type { StoredPosition } from '../ledger/position.ts';
import { keepHalt, positionsOf, rewind } from '../ledger/positions.ts';
import type { Database } from '../postgres/database.ts';
import { keyOf } from '../records/topic-partition.ts';
import type { PartitionSource } from '../source/partition-source.ts';
import type { PartitionLoop } from './partition-loop.ts';
import { wentBack } from './went-back.ts';

export interface HaltedPartitionsOptions {
  readonly source: Pick<PartitionSource, 'bounds' | 'topicId'>;
  readonly database: Database;
  readonly groupId: string;
  readonly topics: readonly string[];
  readonly logger: Logger;
  /** Set when loops have positions that the database does not know of. */
  readonly previewFrom?: unknown;
  readonly loops: () => readonly PartitionLoop[];
  /** Looks the position up again and begins from there. */
  readonly resync: (loop: PartitionLoop, why: string) => void;
  /** The same, when the database lost what was committed. */
  readonly restored: (loop: PartitionLoop, why: string) => void;
  /** The halt of a loop is stored with its position. */
  readonly stored: (loop: PartitionLoop) => void;
}

/** Stores halts, for `position show` and later workers, and looks for what ends them. */
export class HaltedPartitions {
  readonly #options: HaltedPartitionsOptions;
  /** Lanes whose halt is stored, and those that are being stored. */
  readonly #stored = new WeakSet<PartitionLoop>();
  readonly #storing = new Map<PartitionLoop, Promise<void>>();
  /** The lowest end of a partition that ended before its position. */
  readonly #lowestEnd = new WeakMap<PartitionLoop, number>();

  constructor(options: HaltedPartitionsOptions) {
    this.#options = options;
  }

  /** The halt of a loop was read from where it is stored. */
  isStored(loop: PartitionLoop): void {
    this.#stored.add(loop);
  }

  store(loop: PartitionLoop): void {
    if (this.#stored.has(loop) || this.#storing.has(loop)) return;
    // What cannot be read now may be readable at the next start, which finds out by itself.
    if (loop.haltedFor?.kind === 'unreadable') return;
    const storing = this.#tryToStore(loop).finally(() => this.#storing.delete(loop));
    this.#storing.set(loop, storing);
  }

  /** Settles when what is being stored is stored, or could not be. */
  async settled(): Promise<void> {
    await Promise.all(this.#storing.values());
  }

  async #tryToStore(loop: PartitionLoop): Promise<void> {
    const { database, groupId, logger } = this.#options;
    const { topic, partition, position: nextOffset, pass, haltedFor } = loop;
    if (haltedFor === undefined) return;
    const where = { topic, partition };
    try {
      await keepHalt(database, { groupId, ...where, nextOffset, pass }, haltedFor);
      // Also when the position has moved since: that is what the next look finds.
      this.#stored.add(loop);
      this.#options.stored(loop);
    } catch (error) {
      logger.warn({ ...where, error: messageOf(error) }, 'the halt was not stored; trying again');
    }
  }

  /**
   * `position accept-loss`, `set` and `resume` decide about a halted partition, which then begins
   * again. One that ended before its position, and does not any more, decides by itself.
   */
  async look(): Promise<void> {
    const { database, groupId, topics, loops, resync, restored, previewFrom } = this.#options;
    if (previewFrom !== undefined) return;
    const halted = loops().filter(({ state }) => state === 'halted');
    if (halted.length === 0) return;
    // A database that does not answer now is asked again at the next turn.
    const positions = await positionsOf(database, groupId, topics).catch(() => undefined);
    if (positions === undefined) return;
    for (const loop of halted) {
      const { position: nextOffset, pass } = loop;
      const now = positions.get(keyOf(loop));
      const lost = wentBack(loop, { nextOffset, pass }, now);
      if (lost !== undefined || now === undefined) restored(loop, lost ?? '');
      else if (now.nextOffset !== loop.position || now.pass !== loop.pass) {
        resync(loop, `the position was set to ${now.nextOffset}`);
      } else if (!this.#stored.has(loop)) {
        this.store(loop);
      } else if (now.halt === undefined) {
        resync(loop, 'the halt was ended');
      } else if (loop.haltedFor?.kind === 'lost_offsets') {
        await this.#lookAtEnd(loop, now);
      }
    }
  }

  /**
   * A partition whose end came back is read again from the lowest end that was seen: what is there
   * may be other messages than before, and those that are the same are duplicates.
   */
  async #lookAtEnd(loop: PartitionLoop, position: StoredPosition): Promise<void> {
    const { source, database, groupId, resync, logger } = this.#options;
    const { topic, partition } = loop;
    const where = { groupId, topic, partition };
    try {
      const bounds = (await source.bounds(topic)).get(partition);
      const topicId = await source.topicId(topic);
      if (bounds === undefined || topicId === undefined || topicId !== position.topicId) return;
      const { nextOffset } = position;
      const lowest = Math.min(this.#lowestEnd.get(loop) ?? loop.endOffset, bounds.latest);
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
