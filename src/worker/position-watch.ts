import { positionsOf } from '../ledger/positions.ts';
import type { Database } from '../postgres/database.ts';
import { keyOf } from '../records/topic-partition.ts';
import type { PartitionSource } from '../source/partition-source.ts';
import { every } from './every.ts';
import type { HaltedPartitions, WatchedLoops } from './halted-partitions.ts';
import type { PartitionLoop } from './partition-loop.ts';
import { wentBack } from './went-back.ts';

/** How often the positions of halted partitions are polled for a decision. */
const DECISION_POLL_MS = 2_000;
/** How often running partitions are compared with their stored positions and their ends. */
const POSITIONS_POLL_MS = 5_000;
/** How often the ids of the topics are compared with those at the start of their loops. */
const TOPIC_ID_POLL_MS = 1_000;

export interface PositionWatchOptions extends WatchedLoops {
  readonly source: Pick<PartitionSource, 'bounds' | 'topicId'>;
  readonly database: Database;
  readonly groupId: string;
  readonly topics: readonly string[];
  readonly haltedPartitions: Pick<HaltedPartitions, 'poll'>;
  /** Set when loops have positions that the database does not know of. */
  readonly previewFrom?: unknown;
}

/** Polls for what no fetch reports: decisions of a person, and topics that were recreated. */
export class PositionWatch {
  readonly #options: PositionWatchOptions;
  #timers: NodeJS.Timeout[] = [];
  /** Partitions that ended before their position at the last poll. */
  #beyondEnd = new Set<string>();

  constructor(options: PositionWatchOptions) {
    this.#options = options;
  }

  start(): void {
    this.#timers = [
      every(DECISION_POLL_MS, () => this.#options.haltedPartitions.poll()),
      every(POSITIONS_POLL_MS, () => this.#pollRunning()),
      every(TOPIC_ID_POLL_MS, () => this.#pollTopicIds()),
    ];
  }

  stop(): void {
    for (const timer of this.#timers) clearInterval(timer);
  }

  /** A topic that is recreated has another id, however far it is filled. */
  async #pollTopicIds(): Promise<void> {
    const { source, loops, resync } = this.#options;
    const running = loops().filter(({ isRunning }) => isRunning);
    for (const topic of new Set(running.map((loop) => loop.topic))) {
      // A topic without an answer is asked for again at the next poll.
      const topicId = await source.topicId(topic).catch(() => undefined);
      if (topicId === undefined) continue;
      for (const loop of running) {
        if (loop.topic === topic && loop.topicId !== topicId) {
          resync(loop, `the broker has topic id ${topicId}, not ${loop.topicId}`);
        }
      }
    }
  }

  /**
   * A topic that was recreated is empty, and its fetches say nothing. The end must be too low twice in
   * a row: a broker that has just started may report less than it has for a moment.
   */
  async #pollRunning(): Promise<void> {
    const { source, loops, resync } = this.#options;
    const running = loops().filter(({ isRunning }) => isRunning);
    await this.#pollPositions(running);
    const beyond = new Set<string>();
    for (const topic of new Set(running.map((loop) => loop.topic))) {
      const bounds = await source.bounds(topic).catch(() => undefined);
      for (const loop of running) {
        const end = loop.topic === topic ? bounds?.get(loop.partition)?.latest : undefined;
        if (end === undefined || loop.progress.position <= end) continue;
        if (this.#beyondEnd.has(keyOf(loop))) resync(loop, `the partition ends at ${end}`);
        else beyond.add(keyOf(loop));
      }
    }
    this.#beyondEnd = beyond;
  }

  /**
   * Another pass was begun (`position set`), or the database was restored to an earlier moment: a
   * quiet topic has no batch that would notice.
   */
  async #pollPositions(running: readonly PartitionLoop[]): Promise<void> {
    const { database, groupId, topics, resync, restored, previewFrom } = this.#options;
    if (previewFrom !== undefined) return;
    // Read before the query: what is committed meanwhile may be in its answer or not.
    const committed = new Map(running.map((loop) => [loop, loop.progress.position]));
    const positions = await positionsOf(database, groupId, topics).catch(() => undefined);
    if (positions === undefined) return;
    for (const [loop, nextOffset] of committed) {
      const { pass } = loop;
      const now = positions.get(keyOf(loop));
      const lost = wentBack(loop, { nextOffset, pass }, now);
      if (lost !== undefined) restored(loop, lost);
      else if (now !== undefined && now.pass !== pass) resync(loop, `pass ${now.pass} was begun`);
    }
  }
}
