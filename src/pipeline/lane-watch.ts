import { keyOf, type PartitionSource } from '../consume/partition-source.ts';
import type { Database } from '../ledger/database.ts';
import type { HaltedLanes } from './halted-lanes.ts';
import type { Lane } from './lane.ts';
import { positionsOf } from './positions.ts';
import { wentBack } from './went-back.ts';

/** How often a halted partition looks whether a person has decided. */
const DECISION_POLL_MS = 2_000;
/** How often running partitions are held against their positions and their ends. */
const POSITIONS_POLL_MS = 5_000;
/** How often the topics that are read are held against their ids. */
const TOPIC_ID_POLL_MS = 1_000;

export interface LaneWatchOptions {
  readonly source: Pick<PartitionSource, 'bounds' | 'topicId'>;
  readonly database: Database;
  readonly groupId: string;
  readonly topics: readonly string[];
  readonly lanes: () => readonly Lane[];
  readonly haltedLanes: Pick<HaltedLanes, 'look'>;
  /** Looks the position up again and begins from there. */
  readonly resync: (lane: Lane, why: string) => void;
  /** The same, when the database lost what was committed. */
  readonly restored: (lane: Lane, why: string) => void;
  /** Set when lanes have positions that the database does not know of. */
  readonly previewFrom?: unknown;
}

/** Looks for what no message tells: decisions of a person, and topics that were recreated. */
export class LaneWatch {
  readonly #options: LaneWatchOptions;
  #timers: NodeJS.Timeout[] = [];
  /** Partitions that ended before their position at the last look. */
  #beyondEnd = new Set<string>();

  constructor(options: LaneWatchOptions) {
    this.#options = options;
  }

  start(): void {
    this.#timers = [
      every(DECISION_POLL_MS, () => this.#options.haltedLanes.look()),
      every(POSITIONS_POLL_MS, () => this.#lookAtRunning()),
      every(TOPIC_ID_POLL_MS, () => this.#lookAtTopics()),
    ];
  }

  stop(): void {
    for (const timer of this.#timers) clearInterval(timer);
  }

  /** A topic that is recreated has another id, however far it is filled. */
  async #lookAtTopics(): Promise<void> {
    const { source, lanes, resync } = this.#options;
    const running = lanes().filter(({ state }) => state === 'running');
    for (const topic of new Set(running.map((lane) => lane.topic))) {
      // A topic without an answer is looked at again at the next turn.
      const topicId = await source.topicId(topic).catch(() => undefined);
      if (topicId === undefined) continue;
      for (const lane of running) {
        if (lane.topic === topic && lane.topicId !== topicId) {
          resync(lane, `the broker has topic id ${topicId}, not ${lane.topicId}`);
        }
      }
    }
  }

  /**
   * A topic that was recreated under the worker is empty and says nothing: it is seen here. Twice in
   * a row, since a broker that has just begun may know for a moment of less than it has.
   */
  async #lookAtRunning(): Promise<void> {
    const { source, lanes, resync } = this.#options;
    const running = lanes().filter(({ state }) => state === 'running');
    await this.#lookAtPositions(running);
    const beyond = new Set<string>();
    for (const topic of new Set(running.map((lane) => lane.topic))) {
      const bounds = await source.bounds(topic).catch(() => undefined);
      for (const lane of running) {
        const end = lane.topic === topic ? bounds?.get(lane.partition)?.latest : undefined;
        if (end === undefined || lane.position <= end) continue;
        if (this.#beyondEnd.has(keyOf(lane))) resync(lane, `the partition ends at ${end}`);
        else beyond.add(keyOf(lane));
      }
    }
    this.#beyondEnd = beyond;
  }

  /**
   * Another pass was begun (`position set`), or the database was restored to an earlier moment: a
   * quiet topic has no batch that would notice.
   */
  async #lookAtPositions(running: readonly Lane[]): Promise<void> {
    const { database, groupId, topics, resync, restored, previewFrom } = this.#options;
    if (previewFrom !== undefined) return;
    // Before they are asked for: what is committed meanwhile may be in the answer or not.
    const committed = new Map(running.map((lane) => [lane, lane.position]));
    const positions = await positionsOf(database, groupId, topics).catch(() => undefined);
    if (positions === undefined) return;
    for (const [lane, nextOffset] of committed) {
      const { pass } = lane;
      const now = positions.get(keyOf(lane));
      const lost = wentBack(lane, { nextOffset, pass }, now);
      if (lost !== undefined) restored(lane, lost);
      else if (now !== undefined && now.pass !== pass) resync(lane, `pass ${now.pass} was begun`);
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
