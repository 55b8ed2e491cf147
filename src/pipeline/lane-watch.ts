import { keyOf, type PartitionSource } from '../consume/partition-source.ts';
import type { Database } from '../ledger/database.ts';
import type { Lane } from './lane.ts';
import { positionsOf } from './positions.ts';
import { wentBack } from './went-back.ts';

/** How often a partition that lost offsets looks whether a person has decided. */
const DECISION_POLL_MS = 2_000;
/** How often running partitions are held against their positions and their ends. */
const POSITIONS_POLL_MS = 5_000;

export interface LaneWatchOptions {
  readonly source: Pick<PartitionSource, 'bounds'>;
  readonly database: Database;
  readonly groupId: string;
  readonly topics: readonly string[];
  readonly lanes: () => readonly Lane[];
  /** Looks the position up again and begins anew. */
  readonly resync: (lane: Lane, why: string) => void;
  /** The same, when the database lost what was committed. */
  readonly restored: (lane: Lane, why: string) => void;
  /** Set when lanes have positions that the database does not know of. */
  readonly previewFrom?: unknown;
}

/** Looks for what no message tells: decisions of a person, and topics that were made anew. */
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
      setInterval(() => void this.#lookForDecisions(), DECISION_POLL_MS),
      setInterval(() => void this.#lookAtRunning(), POSITIONS_POLL_MS),
    ];
  }

  stop(): void {
    for (const timer of this.#timers) clearInterval(timer);
  }

  /** `position accept-loss` and `position set` move the position: the partition then begins anew. */
  async #lookForDecisions(): Promise<void> {
    const { database, groupId, topics, lanes, resync, restored } = this.#options;
    const lost = lanes().filter(({ haltedFor }) => haltedFor?.kind === 'lost_offsets');
    if (lost.length === 0) return;
    // A database that does not answer now is asked again at the next turn.
    const positions = await positionsOf(database, groupId, topics).catch(() => undefined);
    if (positions === undefined) return;
    for (const lane of lost) {
      const { position: nextOffset, pass } = lane;
      const now = positions.get(keyOf(lane));
      const why = wentBack(lane, { nextOffset, pass }, now);
      if (why !== undefined) restored(lane, why);
      else if (now?.nextOffset !== nextOffset || now.pass !== pass) {
        resync(lane, `the position was set to ${now?.nextOffset}`);
      }
    }
  }

  /**
   * A topic that was made anew under the worker is empty and says nothing: it is seen here. Twice in
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
