import { positionsOf } from '../ledger/positions.ts';
import type { Database } from '../postgres/database.ts';
import { keyOf } from '../records/topic-partition.ts';
import type { PartitionSource } from '../source/partition-source.ts';
import type { HaltedPartitions } from './halted-partitions.ts';
import type { PartitionLoop } from './partition-loop.ts';
import { wentBack } from './went-back.ts';

/** How often a halted partition looks whether a person has decided. */
const DECISION_POLL_MS = 2_000;
/** How often running partitions are held against their positions and their ends. */
const POSITIONS_POLL_MS = 5_000;
/** How often the topics that are read are held against their ids. */
const TOPIC_ID_POLL_MS = 1_000;

export interface PositionWatchOptions {
  readonly source: Pick<PartitionSource, 'bounds' | 'topicId'>;
  readonly database: Database;
  readonly groupId: string;
  readonly topics: readonly string[];
  readonly loops: () => readonly PartitionLoop[];
  readonly haltedPartitions: Pick<HaltedPartitions, 'look'>;
  /** Looks the position up again and begins from there. */
  readonly resync: (loop: PartitionLoop, why: string) => void;
  /** The same, when the database lost what was committed. */
  readonly restored: (loop: PartitionLoop, why: string) => void;
  /** Set when loops have positions that the database does not know of. */
  readonly previewFrom?: unknown;
}

/** Looks for what no message tells: decisions of a person, and topics that were recreated. */
export class PositionWatch {
  readonly #options: PositionWatchOptions;
  #timers: NodeJS.Timeout[] = [];
  /** Partitions that ended before their position at the last look. */
  #beyondEnd = new Set<string>();

  constructor(options: PositionWatchOptions) {
    this.#options = options;
  }

  start(): void {
    this.#timers = [
      every(DECISION_POLL_MS, () => this.#options.haltedPartitions.look()),
      every(POSITIONS_POLL_MS, () => this.#lookAtRunning()),
      every(TOPIC_ID_POLL_MS, () => this.#lookAtTopics()),
    ];
  }

  stop(): void {
    for (const timer of this.#timers) clearInterval(timer);
  }

  /** A topic that is recreated has another id, however far it is filled. */
  async #lookAtTopics(): Promise<void> {
    const { source, loops, resync } = this.#options;
    const running = loops().filter(({ state }) => state === 'running');
    for (const topic of new Set(running.map((loop) => loop.topic))) {
      // A topic without an answer is looked at again at the next turn.
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
   * A topic that was recreated under the worker is empty and says nothing: it is seen here. Twice in
   * a row, since a broker that has just begun may know for a moment of less than it has.
   */
  async #lookAtRunning(): Promise<void> {
    const { source, loops, resync } = this.#options;
    const running = loops().filter(({ state }) => state === 'running');
    await this.#lookAtPositions(running);
    const beyond = new Set<string>();
    for (const topic of new Set(running.map((loop) => loop.topic))) {
      const bounds = await source.bounds(topic).catch(() => undefined);
      for (const loop of running) {
        const end = loop.topic === topic ? bounds?.get(loop.partition)?.latest : undefined;
        if (end === undefined || loop.position <= end) continue;
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
  async #lookAtPositions(running: readonly PartitionLoop[]): Promise<void> {
    const { database, groupId, topics, resync, restored, previewFrom } = this.#options;
    if (previewFrom !== undefined) return;
    // Before they are asked for: what is committed meanwhile may be in the answer or not.
    const committed = new Map(running.map((loop) => [loop, loop.position]));
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

/** Brokers or a database that fall silent answer, or fail, later than at the next turn: one at a time. */
function every(ms: number, look: () => Promise<void>): NodeJS.Timeout {
  let isUnderWay = false;
  const lookUnlessUnderWay = async () => {
    if (isUnderWay) return;
    isUnderWay = true;
    try {
      await look();
    } finally {
      isUnderWay = false;
    }
  };
  return setInterval(() => void lookUnlessUnderWay(), ms);
}
