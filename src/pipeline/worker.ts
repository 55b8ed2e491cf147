import type { Logger } from '../config/logger.ts';
import {
  type FetchedBatch,
  keyOf,
  type PartitionSource,
  type SourceListener,
  type TopicPartition,
} from '../consume/partition-source.ts';
import type { SchemaCache } from '../decode/schema-cache.ts';
import { messageOf } from '../errors.ts';
import type { Database } from '../ledger/database.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { OutcomeCounts } from '../ledger/message.ts';
import { backOff } from './backoff.ts';
import { CommitQueue } from './commit-queue.ts';
import type { Halt } from './halt.ts';
import { Lane, type LaneContext } from './lane.ts';
import { LaneWatch } from './lane-watch.ts';
import { begin, positionsOf, rewind } from './positions.ts';
import { Slots } from './slots.ts';
import { decideStart, type Position, type Start } from './start-offset.ts';

export interface WorkerOptions {
  readonly groupId: string;
  readonly topics: readonly string[];
  readonly source: PartitionSource;
  readonly database: Database;
  readonly ledger: Pick<Ledger, 'apply' | 'forget'>;
  readonly schemas: SchemaCache;
  readonly logger: Logger;
  /** Batches in the making at once. */
  readonly concurrentBatches: number;
  readonly maxEvents: number;
  /** Bytes fetched and not yet applied, over all partitions. */
  readonly bufferBytes: number;
  readonly deadLetterLimit: number;
  /** Reads only these partitions, each to this offset (without it); by default all, for ever. */
  readonly until?: ReadonlyMap<string, number>;
  /** Where to begin, without a look into the database; nothing is written there then. */
  readonly previewFrom?: ReadonlyMap<string, Position>;
  readonly onApplied?: (
    where: TopicPartition,
    counts: OutcomeCounts,
    otherAccounts: number,
    ms: number,
  ) => void;
}

/** A partition that is assigned, as `/readyz` and `--until-caught-up` see it. */
export interface PartitionStatus extends TopicPartition {
  readonly state: 'starting' | 'running' | 'halted';
  readonly position: number | undefined;
  readonly lag: number;
  readonly advancedAt: number;
  /** Why it is halted, or what it waits for. */
  readonly detail: string | undefined;
}

/**
 * The worker: partitions come and go with the group, each has a lane for the time in between.
 *
 * Every assignment begins from nothing: lanes of the one before are closed, their transactions
 * awaited; the positions are read from Postgres and held against what the broker has; then each
 * partition is sought and resumed. An assignment that another one overtakes is given up on the way.
 */
export class Worker implements SourceListener {
  readonly #options: WorkerOptions;
  readonly #commits: CommitQueue;
  readonly #slots: Slots;
  readonly #watch: LaneWatch;
  readonly #lanes = new Map<string, Lane>();
  readonly #starting = new Map<string, TopicPartition & { since: number; trouble?: string }>();
  /** Partitions that were halted by a limit: a rebalance is no reason to go on. */
  readonly #haltedByLimit = new Map<string, Halt>();
  readonly #stopping = new AbortController();
  #assignment = 0;
  #isAssigned = false;
  #closing: Promise<unknown> = Promise.resolve();
  #fail: (error: unknown) => void = () => {};
  /** Rejects when something happened that must end the process. */
  readonly failure: Promise<never>;

  constructor(options: WorkerOptions) {
    this.#options = options;
    this.#commits = new CommitQueue(options.source, options.logger);
    this.#slots = new Slots(options.concurrentBatches);
    this.#watch = new LaneWatch({
      ...options,
      lanes: () => [...this.#lanes.values()],
      resync: (lane, why) => this.#resync(lane, why),
      restored: (lane, why) => this.#onRestored(lane, why),
    });
    this.failure = new Promise((_, reject) => {
      this.#fail = reject;
    });
    this.failure.catch(() => {});
  }

  async start(): Promise<void> {
    this.#watch.start();
    await this.#options.source.start(this);
  }

  /**
   * Finishes the transactions under way, tells the broker where the group stands and leaves it.
   *
   * @param timeoutMs after which transactions that still wait for another try are given up
   */
  async stop(timeoutMs: number): Promise<void> {
    this.#stopping.abort();
    this.#watch.stop();
    this.#assignment += 1;
    const lanes = [...this.#lanes.values()];
    for (const lane of lanes) {
      this.#options.source.pause(lane);
      lane.close();
    }
    const deadline = setTimeout(() => {
      for (const lane of lanes) lane.abort();
    }, timeoutMs);
    await Promise.all([this.#closing, ...lanes.map((lane) => lane.ended())]);
    clearTimeout(deadline);
    await this.#commits.flush();
    await this.#options.source.stop();
  }

  /** Whether the group has given this worker its share, which may be nothing. */
  get isAssigned(): boolean {
    return this.#isAssigned;
  }

  /** Every assigned partition. */
  status(): PartitionStatus[] {
    const starting = [...this.#starting.values()].map(({ topic, partition, since, trouble }) => ({
      topic,
      partition,
      state: 'starting' as const,
      position: undefined,
      lag: 0,
      advancedAt: since,
      detail: trouble,
    }));
    const lanes = [...this.#lanes.values()].map((lane) => ({
      topic: lane.topic,
      partition: lane.partition,
      state: lane.state === 'halted' ? ('halted' as const) : ('running' as const),
      position: lane.position,
      lag: lane.lag,
      advancedAt: lane.advancedAt,
      detail: lane.haltedFor?.why ?? lane.trouble,
    }));
    return [...starting, ...lanes].sort((a, b) =>
      a.topic < b.topic ? -1 : a.topic > b.topic ? 1 : a.partition - b.partition,
    );
  }

  assigned(partitions: readonly TopicPartition[]): void {
    this.#endAssignment();
    this.#isAssigned = true;
    const assignment = this.#assignment;
    this.#options.logger.info({ partitions: partitions.map(keyOf) }, 'partitions assigned');
    const since = Date.now();
    for (const where of partitions) this.#starting.set(keyOf(where), { ...where, since });
    this.#begin(assignment, partitions, false);
  }

  revoked(): void {
    this.#endAssignment();
    this.#isAssigned = false;
  }

  fetched(batch: FetchedBatch): Promise<void> | undefined {
    return this.#lanes.get(keyOf(batch))?.push(batch);
  }

  #endAssignment(): void {
    this.#assignment += 1;
    this.#starting.clear();
    this.#commits.clear();
    const lanes = [...this.#lanes.values()];
    this.#lanes.clear();
    for (const lane of lanes) {
      lane.close();
      lane.abort();
    }
    this.#closing = Promise.all([this.#closing, ...lanes.map((lane) => lane.ended())]);
  }

  #begin(assignment: number, partitions: readonly TopicPartition[], gapIsKnown: boolean): void {
    this.#startLanes(assignment, partitions, gapIsKnown).catch((error: unknown) => {
      if (assignment === this.#assignment) this.#fail(error);
    });
  }

  /** Looks up where to begin, as often as it takes, and starts the lanes. */
  async #startLanes(
    assignment: number,
    partitions: readonly TopicPartition[],
    gapIsKnown: boolean,
  ): Promise<void> {
    await this.#closing;
    for (let attempt = 0; assignment === this.#assignment; attempt += 1) {
      try {
        await this.#tryStartLanes(assignment, partitions, gapIsKnown);
        return;
      } catch (error) {
        if (assignment !== this.#assignment) return;
        const trouble = `looking up positions: ${messageOf(error)}`;
        for (const where of this.#starting.values()) where.trouble = trouble;
        this.#options.logger.warn({ attempt, error: messageOf(error) }, 'cannot look up positions');
        await backOff(attempt, this.#stopping.signal).catch(() => {});
      }
    }
  }

  async #tryStartLanes(
    assignment: number,
    partitions: readonly TopicPartition[],
    gapIsKnown: boolean,
  ): Promise<void> {
    const { database, groupId, source } = this.#options;
    const topics = [...new Set(partitions.map(({ topic }) => topic))];
    const { until, previewFrom } = this.#options;
    const positions = previewFrom ?? (await positionsOf(database, groupId, topics));
    const broker = new Map(
      await Promise.all(
        topics.map(async (topic) => {
          const [committed, bounds] = [await source.committed(topic), await source.bounds(topic)];
          return [topic, { committed, bounds }] as const;
        }),
      ),
    );
    for (const where of partitions) {
      if (assignment !== this.#assignment) return;
      if (until !== undefined && !until.has(keyOf(where))) {
        this.#starting.delete(keyOf(where));
        continue;
      }
      const { topic, partition } = where;
      const bounds = broker.get(topic)?.bounds.get(partition);
      if (bounds === undefined) throw new Error(`the broker does not know ${keyOf(where)}`);
      const committed = broker.get(topic)?.committed.get(partition);
      const start = decideStart(positions.get(keyOf(where)), committed, bounds);
      const position = await this.#recordStart(where, start);
      if (assignment !== this.#assignment || !this.#starting.has(keyOf(where))) continue;
      this.#starting.delete(keyOf(where));
      const from = {
        ...position,
        endOffset: bounds.latest,
        gapIsKnown,
        until: until?.get(keyOf(where)),
      };
      const lane = new Lane(where, from, this.#laneContext());
      this.#lanes.set(keyOf(where), lane);
      const halted: Halt | undefined =
        start.kind === 'lost'
          ? { kind: 'lost_offsets', why: start.why }
          : this.#haltedByLimit.get(keyOf(where));
      if (halted !== undefined) {
        lane.halt(halted);
        continue;
      }
      lane.start();
      if (committed?.nextOffset !== position.nextOffset) {
        this.#commits.note(where, position.nextOffset, position.pass);
      }
      source.seek(where, position.nextOffset);
      source.resume(where);
    }
  }

  async #recordStart(where: TopicPartition, start: Start): Promise<Position> {
    const { database, groupId, logger } = this.#options;
    const { topic, partition } = where;
    const key = { groupId, topic, partition };
    switch (start.kind) {
      case 'begin':
        return begin(database, key, start.offset);
      case 'rewind': {
        const position = await rewind(database, key, start.offset, start.fromPass);
        if (position === undefined) throw new Error('another worker rewound the partition');
        logger.info({ ...where, ...position }, 'the group was set back: reading again from there');
        return position;
      }
      default:
        return start.position;
    }
  }

  #laneContext(): LaneContext {
    const { groupId, ledger, schemas, logger, maxEvents, deadLetterLimit, bufferBytes, source } =
      this.#options;
    return {
      groupId,
      ledger,
      schemas,
      logger,
      slots: this.#slots,
      maxEvents,
      deadLetterLimit,
      bufferBytes: () => bufferBytes / Math.max(this.#lanes.size, 1),
      pauseFetching: (where) => source.pause(where),
      resumeFetching: (where) => source.resume(where),
      resync: (lane, why) => this.#resync(lane, why),
      restored: (lane, why) => this.#onRestored(lane, why),
      halted: (lane) => this.#onHalted(lane),
      applied: (lane, batch, { counts, otherAccounts }, ms) => {
        this.#commits.note(lane, batch.nextOffset, batch.pass);
        this.#options.onApplied?.(lane, counts, otherAccounts, ms);
      },
      failed: (error) => this.#fail(error),
    };
  }

  #resync(lane: Lane, why: string): void {
    const key = keyOf(lane);
    if (this.#lanes.get(key) !== lane) return;
    const { topic, partition } = lane;
    const where = { topic, partition };
    this.#options.logger.info({ ...where, why }, 'looking up the position again');
    this.#options.source.pause(where);
    this.#lanes.delete(key);
    this.#starting.set(key, { ...where, since: Date.now() });
    lane.close();
    this.#closing = Promise.all([this.#closing, lane.ended()]);
    this.#begin(this.#assignment, [where], true);
  }

  #onRestored(lane: Lane, why: string): void {
    if (this.#lanes.get(keyOf(lane)) !== lane) return;
    const { topic, partition, position } = lane;
    this.#options.logger.warn({ topic, partition, offset: position }, why);
    this.#options.ledger.forget();
    this.#resync(lane, 'the database was restored to an earlier moment');
  }

  #onHalted(lane: Lane): void {
    const { topic, partition, position, haltedFor } = lane;
    if (haltedFor?.kind === 'dead_letter_limit') this.#haltedByLimit.set(keyOf(lane), haltedFor);
    this.#options.logger.error(
      { topic, partition, offset: position },
      `${topic}/${partition} is halted at offset ${position}: ${haltedFor?.why}`,
    );
  }
}
