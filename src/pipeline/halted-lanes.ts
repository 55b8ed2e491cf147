import type { Logger } from '../config/logger.ts';
import { keyOf, type PartitionSource } from '../consume/partition-source.ts';
import { messageOf } from '../errors.ts';
import type { Database } from '../ledger/database.ts';
import type { Lane } from './lane.ts';
import { keepHalt, positionsOf, rewind } from './positions.ts';
import type { StoredPosition } from './start-offset.ts';
import { wentBack } from './went-back.ts';

export interface HaltedLanesOptions {
  readonly source: Pick<PartitionSource, 'bounds' | 'topicId'>;
  readonly database: Database;
  readonly groupId: string;
  readonly topics: readonly string[];
  readonly logger: Logger;
  /** Set when lanes have positions that the database does not know of. */
  readonly previewFrom?: unknown;
  readonly lanes: () => readonly Lane[];
  /** Looks the position up again and begins from there. */
  readonly resync: (lane: Lane, why: string) => void;
  /** The same, when the database lost what was committed. */
  readonly restored: (lane: Lane, why: string) => void;
  /** The halt of a lane is stored with its position. */
  readonly stored: (lane: Lane) => void;
}

/** Stores halts, for `position show` and later workers, and looks for what ends them. */
export class HaltedLanes {
  readonly #options: HaltedLanesOptions;
  /** Lanes whose halt is stored, and those that are being stored. */
  readonly #stored = new WeakSet<Lane>();
  readonly #storing = new Map<Lane, Promise<void>>();
  /** The lowest end of a partition that ended before its position. */
  readonly #lowestEnd = new WeakMap<Lane, number>();

  constructor(options: HaltedLanesOptions) {
    this.#options = options;
  }

  /** The halt of a lane was read from where it is stored. */
  isStored(lane: Lane): void {
    this.#stored.add(lane);
  }

  store(lane: Lane): void {
    if (this.#stored.has(lane) || this.#storing.has(lane)) return;
    // What cannot be read now may be readable at the next start, which finds out by itself.
    if (lane.haltedFor?.kind === 'unreadable') return;
    const storing = this.#tryToStore(lane).finally(() => this.#storing.delete(lane));
    this.#storing.set(lane, storing);
  }

  /** Settles when what is being stored is stored, or could not be. */
  async settled(): Promise<void> {
    await Promise.all(this.#storing.values());
  }

  async #tryToStore(lane: Lane): Promise<void> {
    const { database, groupId, logger } = this.#options;
    const { topic, partition, position: nextOffset, pass, haltedFor } = lane;
    if (haltedFor === undefined) return;
    const where = { topic, partition };
    try {
      await keepHalt(database, { groupId, ...where, nextOffset, pass }, haltedFor);
      // Also when the position has moved since: that is what the next look finds.
      this.#stored.add(lane);
      this.#options.stored(lane);
    } catch (error) {
      logger.warn({ ...where, error: messageOf(error) }, 'the halt was not stored; trying again');
    }
  }

  /**
   * `position accept-loss`, `set` and `resume` decide about a halted partition, which then begins
   * again. One that ended before its position, and does not any more, decides by itself.
   */
  async look(): Promise<void> {
    const { database, groupId, topics, lanes, resync, restored, previewFrom } = this.#options;
    if (previewFrom !== undefined) return;
    const halted = lanes().filter(({ state }) => state === 'halted');
    if (halted.length === 0) return;
    // A database that does not answer now is asked again at the next turn.
    const positions = await positionsOf(database, groupId, topics).catch(() => undefined);
    if (positions === undefined) return;
    for (const lane of halted) {
      const { position: nextOffset, pass } = lane;
      const now = positions.get(keyOf(lane));
      const lost = wentBack(lane, { nextOffset, pass }, now);
      if (lost !== undefined || now === undefined) restored(lane, lost ?? '');
      else if (now.nextOffset !== lane.position || now.pass !== lane.pass) {
        resync(lane, `the position was set to ${now.nextOffset}`);
      } else if (!this.#stored.has(lane)) {
        this.store(lane);
      } else if (now.halt === undefined) {
        resync(lane, 'the halt was ended');
      } else if (lane.haltedFor?.kind === 'lost_offsets') {
        await this.#lookAtEnd(lane, now);
      }
    }
  }

  /**
   * A partition whose end came back is read again from the lowest end that was seen: what is there
   * may be other messages than before, and those that are the same are duplicates.
   */
  async #lookAtEnd(lane: Lane, position: StoredPosition): Promise<void> {
    const { source, database, groupId, resync, logger } = this.#options;
    const { topic, partition } = lane;
    const where = { groupId, topic, partition };
    try {
      const bounds = (await source.bounds(topic)).get(partition);
      const topicId = await source.topicId(topic);
      if (bounds === undefined || topicId === undefined || topicId !== position.topicId) return;
      const { nextOffset } = position;
      const lowest = Math.min(this.#lowestEnd.get(lane) ?? lane.endOffset, bounds.latest);
      this.#lowestEnd.set(lane, lowest);
      const hasComeBack = lowest < nextOffset && nextOffset <= bounds.latest;
      if (!hasComeBack || bounds.earliest > lowest) return;
      await rewind(database, where, lowest, position, { ...bounds, latest: lowest, topicId });
      resync(lane, `the partition ends at ${bounds.latest} again; reading from ${lowest}`);
    } catch (error) {
      logger.debug({ topic, partition, error: messageOf(error) }, 'a halted partition: no answer');
    }
  }
}
