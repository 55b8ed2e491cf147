import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '../config/logger.ts';
import type { MissingTopic } from '../kafka/topics.ts';
import { keyOf, type TopicPartition } from '../records/topic-partition.ts';
import type {
  FetchedBatch,
  PartitionSource,
  SourceListener,
  UnreadablePart,
} from '../source/partition-source.ts';
import { Assignment, type AssignmentContext } from './assignment.ts';
import { BatchPermits } from './batch-permits.ts';
import { CommitQueue } from './commit-queue.ts';
import { HaltedPartitions, type WatchedLoops } from './halted-partitions.ts';
import { IdleWatermarks } from './idle-watermarks.ts';
import { Mutex } from './mutex.ts';
import type { PartitionStatus } from './partition-status.ts';
import { PositionWatch } from './position-watch.ts';
import { SharedTransactions } from './shared-transactions.ts';
import { StallClock } from './stall-clock.ts';
import type { WorkerOptions } from './worker-context.ts';

/** How long the last copy of the positions may take. */
const FLUSH_MS = 2_000;

type Mode = 'created' | 'unassigned' | 'assigned' | 'stopping' | 'stopped';

const NEXT_MODES: Record<Mode, readonly Mode[]> = {
  created: ['unassigned', 'stopping'],
  unassigned: ['unassigned', 'assigned', 'stopping'],
  assigned: ['unassigned', 'assigned', 'stopping'],
  stopping: ['stopped'],
  stopped: [],
};

/**
 * A member of the group. From assignment to revocation, it reads each of its partitions from the
 * position in Postgres (assignment.ts, partition-loop.ts).
 *
 * A worker is always in one of these modes:
 *
 * ## CREATED
 *
 * Nothing runs. Moves to UNASSIGNED by `start`, which joins the group.
 *
 * ## UNASSIGNED
 *
 * It is joining, or the group rebalances. Nothing new is applied: the loops of the last assignment are
 * closed, and their transactions end by themselves.
 *
 * ## ASSIGNED
 *
 * It has an `Assignment`, possibly of no partitions. Positions are not carried over from one to the
 * next, even of the same partitions: once the loops of the one before have ended, they are read from
 * Postgres again.
 *
 * ## STOPPING
 *
 * Loops finish their transactions, until a deadline; the positions are copied to the broker; then it
 * leaves the group. A rebalance meanwhile starts nothing, and ends the retries: the partitions may be
 * another worker's.
 *
 * ## STOPPED
 *
 * Nothing runs any more.
 *
 * An error that must end the process changes no mode: it rejects `failure`, and the owner stops the
 * worker.
 */
export class Worker implements SourceListener {
  /** Rejects when something happened that must end the process. */
  readonly failure: Promise<never>;
  readonly #source: PartitionSource;
  readonly #logger: Logger;
  readonly #context: AssignmentContext;
  readonly #watch: PositionWatch;
  readonly #watermarks: IdleWatermarks;
  readonly #haltedPartitions: HaltedPartitions;
  readonly #commits: CommitQueue;
  readonly #clock = new StallClock();
  #mode: Mode = 'created';
  #assignment: Assignment | undefined;
  /** Settles when the loops of earlier assignments have ended. */
  #closed: Promise<unknown> = Promise.resolve();
  #missingTopics: readonly MissingTopic[] = [];
  #stopped: Promise<void> | undefined;

  constructor(options: WorkerOptions) {
    const { source, logger, concurrentBatches } = options;
    this.#source = source;
    this.#logger = logger;
    this.#commits = new CommitQueue(source, logger);
    let fail: (error: unknown) => void = () => {};
    this.failure = new Promise((_, reject) => {
      fail = reject;
    });
    this.failure.catch(() => {});
    const loops: WatchedLoops = {
      loops: () => this.#assignment?.loops ?? [],
      resync: (loop, why) => this.#assignment?.resync(loop, why),
      restored: (loop, why) => this.#assignment?.restored(loop, why),
    };
    const haltedPartitions = new HaltedPartitions({ ...options, ...loops });
    this.#haltedPartitions = haltedPartitions;
    this.#watch = new PositionWatch({ ...options, ...loops, haltedPartitions });
    this.#watermarks = new IdleWatermarks({ ...options, ...loops });
    const permits = new BatchPermits(concurrentBatches);
    const { lingerMs = 0 } = options;
    this.#context = {
      ...options,
      permits,
      shared:
        lingerMs === 0 ? undefined : new SharedTransactions({ ...options, permits, lingerMs }),
      preparation: new Mutex(),
      commits: this.#commits,
      haltedPartitions,
      clock: this.#clock,
      workerSince: performance.now(),
      onFailure: fail,
    };
  }

  async start(): Promise<void> {
    this.#enter('unassigned');
    this.#watch.start();
    this.#watermarks.start();
    await this.#source.start(this);
  }

  /**
   * Finishes the transactions under way, copies the positions to the broker and leaves the group.
   * Another call awaits the first one.
   *
   * @param timeoutMs after which transactions are not retried any more
   */
  stop(timeoutMs: number): Promise<void> {
    this.#stopped ??= this.#stop(timeoutMs);
    return this.#stopped;
  }

  async #stop(timeoutMs: number): Promise<void> {
    this.#enter('stopping');
    this.#watch.stop();
    this.#watermarks.stop();
    await (this.#assignment?.drain(timeoutMs) ?? this.#closed);
    // Only a copy: brokers that do not answer are not waited for.
    await Promise.race([this.#commits.flush(), delay(FLUSH_MS, undefined, { ref: false })]);
    this.#commits.clear();
    await this.#haltedPartitions.settled();
    await this.#source.stop();
    this.#enter('stopped');
  }

  /** Moves the watermarks of the partitions that are read to their end; it also does so by itself. */
  advanceWatermarks(): Promise<void> {
    return this.#watermarks.advance();
  }

  /** Whether the group has assigned partitions to this worker, possibly none. */
  get isAssigned(): boolean {
    return this.#assignment !== undefined;
  }

  /** Topics that are configured and cannot be read. */
  get missingTopics(): readonly MissingTopic[] {
    return this.#missingTopics;
  }

  /** How often the group assigned partitions within the last minute. */
  get assignments(): number {
    return this.#clock.assignments();
  }

  /** Every assigned partition. */
  status(): PartitionStatus[] {
    return this.#assignment?.status() ?? [];
  }

  assigned(partitions: readonly TopicPartition[]): void {
    this.#endAssignment();
    if (this.#isStopping) return;
    this.#enter('assigned');
    this.#logger.info({ partitions: partitions.map(keyOf) }, 'partitions assigned');
    this.#clock.assigned(partitions);
    this.#context.onAssigned?.(partitions);
    this.#haltedPartitions.assigned(partitions);
    this.#assignment = new Assignment(this.#context, partitions, this.#closed);
  }

  revoked(): void {
    this.#endAssignment();
    if (!this.#isStopping) this.#enter('unassigned');
  }

  fetched(batch: FetchedBatch): Promise<void> | undefined {
    return this.#assignment?.fetched(batch);
  }

  unreadable(part: UnreadablePart): void {
    this.#assignment?.unreadable(part);
  }

  missing(topics: readonly MissingTopic[]): void {
    this.#missingTopics = topics;
  }

  get #isStopping(): boolean {
    return this.#mode === 'stopping' || this.#mode === 'stopped';
  }

  #enter(mode: Mode): void {
    assert.ok(NEXT_MODES[this.#mode].includes(mode), `a worker: ${this.#mode} to ${mode}`);
    this.#mode = mode;
  }

  #endAssignment(): void {
    this.#commits.clear();
    if (this.#assignment === undefined) return;
    this.#closed = this.#assignment.end();
    this.#assignment = undefined;
  }
}
