import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '../config/logger.ts';
import type { SchemaCache } from '../decode/avro/schema-cache.ts';
import { messageOf } from '../errors.ts';
import type { MissingTopic } from '../kafka/topics.ts';
import type { Halt } from '../ledger/halt.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { StoredPosition } from '../ledger/position.ts';
import { positionsOf } from '../ledger/positions.ts';
import type { Database } from '../postgres/database.ts';
import type { OutcomeCounts } from '../records/message.ts';
import { keyOf, type TopicPartition } from '../records/topic-partition.ts';
import type {
  FetchedBatch,
  PartitionSource,
  SourceListener,
  UnreadablePart,
} from '../source/partition-source.ts';
import { backOff } from './backoff.ts';
import { BatchPermits } from './batch-permits.ts';
import { CommitQueue } from './commit-queue.ts';
import { HaltedPartitions } from './halted-partitions.ts';
import { Mutex } from './mutex.ts';
import { type MisplacedFetch, PartitionLoop, type PartitionLoopContext } from './partition-loop.ts';
import {
  inOrder,
  type PartitionStatus,
  statusOfLoop,
  statusOfStarting,
} from './partition-status.ts';
import { PositionWatch } from './position-watch.ts';
import { StallClock } from './stall-clock.ts';
import { decideStart } from './start-offset.ts';
import {
  endHaltByRestart,
  FIRST_LOOK,
  haltAtStart,
  LOOK_AGAIN_MS,
  LOOKS,
  type Retry,
  recordStart,
  type Starting,
} from './starting.ts';

/** How long the last copy of the positions may take. */
const FLUSH_MS = 2_000;

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
  readonly previewFrom?: ReadonlyMap<string, StoredPosition>;
  readonly onApplied?: (
    where: TopicPartition,
    counts: OutcomeCounts,
    otherAccounts: number,
    ms: number,
  ) => void;
}

/**
 * The worker: partitions come and go with the group, each has a loop for the time in between.
 *
 * Every assignment begins from nothing: loops of the one before are closed, their transactions
 * awaited; the positions are read from Postgres and held against what the broker has; then each
 * partition is sought and resumed. An assignment that another one overtakes is given up on the way.
 */
export class Worker implements SourceListener {
  readonly #options: WorkerOptions;
  readonly #commits: CommitQueue;
  readonly #permits: BatchPermits;
  readonly #preparation = new Mutex();
  readonly #watch: PositionWatch;
  readonly #haltedPartitions: HaltedPartitions;
  readonly #loops = new Map<string, PartitionLoop>();
  readonly #starting = new Map<string, Starting>();
  readonly #clock = new StallClock();
  #missingTopics: readonly MissingTopic[] = [];
  /** Partitions whose halt by the limit is not stored yet: a rebalance is no reason to go on. */
  readonly #haltedByLimit = new Map<string, Halt>();
  readonly #stopping = new AbortController();
  readonly #madeAt = performance.now();
  #assignment = 0;
  #isAssigned = false;
  #closing: Promise<unknown> = Promise.resolve();
  #fail: (error: unknown) => void = () => {};
  /** Rejects when something happened that must end the process. */
  readonly failure: Promise<never>;

  constructor(options: WorkerOptions) {
    this.#options = options;
    this.#commits = new CommitQueue(options.source, options.logger);
    this.#permits = new BatchPermits(options.concurrentBatches);
    const loops = () => [...this.#loops.values()];
    const resync = (loop: PartitionLoop, why: string) => this.#resync(loop, why);
    const restored = (loop: PartitionLoop, why: string) => this.#onRestored(loop, why);
    this.#haltedPartitions = new HaltedPartitions({
      ...options,
      loops,
      resync,
      restored,
      stored: (loop) => this.#haltedByLimit.delete(keyOf(loop)),
    });
    this.#watch = new PositionWatch({
      ...options,
      loops,
      resync,
      restored,
      haltedPartitions: this.#haltedPartitions,
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
    const loops = [...this.#loops.values()];
    for (const loop of loops) {
      this.#options.source.pause(loop);
      loop.close();
    }
    const deadline = setTimeout(() => {
      for (const loop of loops) loop.abort();
    }, timeoutMs);
    await Promise.all([this.#closing, ...loops.map((loop) => loop.ended())]);
    clearTimeout(deadline);
    // Only a copy: brokers that do not answer are not waited for.
    await Promise.race([this.#commits.flush(), delay(FLUSH_MS, undefined, { ref: false })]);
    await this.#haltedPartitions.settled();
    await this.#options.source.stop();
  }

  /** Whether the group has given this worker its share, which may be nothing. */
  get isAssigned(): boolean {
    return this.#isAssigned;
  }

  /** Topics that are to be read and are not there. */
  get missingTopics(): readonly MissingTopic[] {
    return this.#missingTopics;
  }

  /** How often the group gave out partitions within the last minute. */
  get assignments(): number {
    return this.#clock.assignments();
  }

  /** Every assigned partition. */
  status(): PartitionStatus[] {
    const clock = this.#clock;
    return inOrder([
      ...[...this.#starting.values()].map((where) => statusOfStarting(where, clock)),
      ...[...this.#loops.values()].map((loop) => statusOfLoop(loop, clock)),
    ]);
  }

  assigned(partitions: readonly TopicPartition[]): void {
    this.#endAssignment();
    this.#isAssigned = true;
    const assignment = this.#assignment;
    this.#options.logger.info({ partitions: partitions.map(keyOf) }, 'partitions assigned');
    this.#clock.assigned(partitions);
    // What others read meanwhile is theirs to judge.
    const keys = new Set(partitions.map(keyOf));
    for (const key of this.#haltedByLimit.keys()) {
      if (!keys.has(key)) this.#haltedByLimit.delete(key);
    }
    const byTopic = new Map<string, TopicPartition[]>();
    for (const where of partitions) {
      this.#starting.set(keyOf(where), { ...where, since: this.#clock.starting(where) });
      byTopic.set(where.topic, [...(byTopic.get(where.topic) ?? []), where]);
    }
    // By topic: one about which the brokers say nothing holds up none of the others.
    for (const group of byTopic.values()) this.#begin(assignment, group, FIRST_LOOK);
  }

  revoked(): void {
    this.#endAssignment();
    this.#isAssigned = false;
  }

  fetched(batch: FetchedBatch): Promise<void> | undefined {
    return this.#loops.get(keyOf(batch))?.push(batch);
  }

  unreadable(part: UnreadablePart): void {
    this.#loops.get(keyOf(part))?.unreadable(part);
  }

  missing(topics: readonly MissingTopic[]): void {
    this.#missingTopics = topics;
  }

  #endAssignment(): void {
    this.#assignment += 1;
    this.#starting.clear();
    this.#commits.clear();
    const loops = [...this.#loops.values()];
    this.#loops.clear();
    for (const loop of loops) {
      this.#clock.ends(loop);
      loop.close();
      loop.abort();
    }
    this.#closing = Promise.all([this.#closing, ...loops.map((loop) => loop.ended())]);
  }

  #begin(assignment: number, partitions: readonly TopicPartition[], retry: Retry): void {
    this.#startLoops(assignment, partitions, retry).catch((error: unknown) => {
      if (assignment === this.#assignment) this.#fail(error);
    });
  }

  /** Looks up where to begin, as often as it takes, and starts the loops. */
  async #startLoops(
    assignment: number,
    partitions: readonly TopicPartition[],
    retry: Retry,
  ): Promise<void> {
    await this.#closing;
    for (let attempt = 0; assignment === this.#assignment; attempt += 1) {
      try {
        await this.#tryStartLoops(assignment, partitions, retry);
        return;
      } catch (error) {
        if (assignment !== this.#assignment) return;
        const trouble = `looking up positions: ${messageOf(error)}`;
        for (const where of partitions) {
          const starting = this.#starting.get(keyOf(where));
          if (starting !== undefined) starting.trouble = trouble;
        }
        this.#options.logger.warn({ attempt, error: messageOf(error) }, 'cannot look up positions');
        await backOff(attempt, this.#stopping.signal).catch(() => {});
      }
    }
  }

  async #tryStartLoops(
    assignment: number,
    partitions: readonly TopicPartition[],
    retry: Retry,
  ): Promise<void> {
    const { database, groupId, source } = this.#options;
    const topics = [...new Set(partitions.map(({ topic }) => topic))];
    const { until, previewFrom } = this.#options;
    const positions = previewFrom ?? (await positionsOf(database, groupId, topics));
    const broker = new Map(
      await Promise.all(
        topics.map(async (topic) => {
          const [[committed, bounds], topicId] = await Promise.all([
            source
              .committed(topic)
              .then(async (copy) => [copy, await source.bounds(topic)] as const),
            source.topicId(topic),
          ]);
          return [topic, { committed, bounds, topicId }] as const;
        }),
      ),
    );
    const again: TopicPartition[] = [];
    for (const where of partitions) {
      if (assignment !== this.#assignment) return;
      const key = keyOf(where);
      if (until !== undefined && !until.has(key)) {
        this.#starting.delete(key);
        continue;
      }
      // Another look has started it, or found it: nothing is to be written for it any more.
      if (!this.#starting.has(key)) continue;
      const { topic, partition } = where;
      const found = broker.get(topic);
      const bounds = found?.bounds.get(partition);
      if (bounds === undefined) throw new Error(`the broker does not know ${key}`);
      const view = { ...bounds, topicId: found?.topicId };
      const committed = found?.committed.get(partition);
      const start = decideStart(positions.get(key), committed, view, retry.fetch);
      const starting = this.#starting.get(key);
      if (starting !== undefined && start.kind === 'lost' && start.isPassing) {
        starting.trouble = start.why;
        starting.lowestEnd = Math.min(starting.lowestEnd ?? bounds.latest, bounds.latest);
        if (retry.look < LOOKS) {
          again.push(where);
          continue;
        }
      }
      const keeper = { ...this.#options, runningMs: performance.now() - this.#madeAt };
      const position = await recordStart(keeper, where, start, view);
      const judgedFrom = await endHaltByRestart(keeper, where, position);
      if (assignment !== this.#assignment || !this.#starting.has(key)) continue;
      this.#starting.delete(key);
      const lag = Math.max(bounds.latest - position.nextOffset, 0);
      const from = {
        ...position,
        topicId: view.topicId,
        judgedFrom: judgedFrom ?? position.judgedFrom,
        endOffset: start.kind === 'lost' ? (starting?.lowestEnd ?? bounds.latest) : bounds.latest,
        advancedAt: this.#clock.begins(where, position.nextOffset, lag),
        until: until?.get(key),
      };
      const loop = new PartitionLoop(where, from, this.#loopContext());
      this.#loops.set(key, loop);
      const stored = haltAtStart(where, start, position, judgedFrom !== undefined);
      const halt = stored ?? this.#haltedByLimit.get(key);
      if (halt !== undefined) {
        const isStored = halt.cause === position.halt?.cause;
        if (isStored) this.#haltedPartitions.isStored(loop);
        loop.halt(halt);
        if (isStored) this.#haltedByLimit.delete(key);
        continue;
      }
      loop.start();
      if (committed?.nextOffset !== position.nextOffset) {
        this.#commits.note(where, position.nextOffset, position.pass);
      }
      source.seek(where, position.nextOffset);
      source.resume(where);
    }
    if (again.length > 0) this.#lookAgain(assignment, again, { ...retry, look: retry.look + 1 });
  }

  #lookAgain(assignment: number, partitions: readonly TopicPartition[], retry: Retry): void {
    const timer = setTimeout(() => {
      if (assignment !== this.#assignment) return;
      const waiting = partitions.filter((where) => this.#starting.has(keyOf(where)));
      if (waiting.length > 0) this.#begin(assignment, waiting, retry);
    }, LOOK_AGAIN_MS);
    this.#stopping.signal.addEventListener('abort', () => clearTimeout(timer), { once: true });
  }

  #loopContext(): PartitionLoopContext {
    const { groupId, ledger, schemas, logger, maxEvents, deadLetterLimit, bufferBytes, source } =
      this.#options;
    return {
      groupId,
      ledger,
      schemas,
      logger,
      permits: this.#permits,
      preparation: this.#preparation,
      maxEvents,
      deadLetterLimit,
      bufferBytes: () => bufferBytes / Math.max(this.#loops.size, 1),
      pauseFetching: (where) => source.pause(where),
      resumeFetching: (where) => source.resume(where),
      resync: (loop, why, fetch) => this.#resync(loop, why, fetch),
      restored: (loop, why) => this.#onRestored(loop, why),
      halted: (loop) => this.#onHalted(loop),
      applied: (loop, batch, { counts, otherAccounts }, ms) => {
        this.#commits.note(loop, batch.nextOffset, batch.pass);
        this.#options.onApplied?.(loop, counts, otherAccounts, ms);
      },
      failed: (error) => this.#fail(error),
    };
  }

  #resync(loop: PartitionLoop, why: string, fetch?: MisplacedFetch): void {
    const key = keyOf(loop);
    if (this.#loops.get(key) !== loop) return;
    const { topic, partition } = loop;
    const where = { topic, partition };
    this.#options.logger.info({ ...where, why }, 'looking up the position again');
    this.#options.source.pause(where);
    this.#loops.delete(key);
    this.#clock.ends(loop);
    this.#starting.set(key, { ...where, since: this.#clock.starting(where) });
    loop.close();
    this.#closing = Promise.all([this.#closing, loop.ended()]);
    this.#begin(this.#assignment, [where], { ...FIRST_LOOK, fetch });
  }

  #onRestored(loop: PartitionLoop, why: string): void {
    if (this.#loops.get(keyOf(loop)) !== loop) return;
    const { topic, partition, position } = loop;
    this.#options.logger.warn({ topic, partition, offset: position }, why);
    this.#options.ledger.forget();
    this.#resync(loop, 'the database was restored to an earlier moment');
  }

  #onHalted(loop: PartitionLoop): void {
    const { topic, partition, position, haltedFor } = loop;
    if (haltedFor?.kind === 'dead_letter_limit') this.#haltedByLimit.set(keyOf(loop), haltedFor);
    this.#options.logger.error(
      { topic, partition, offset: position },
      `${topic}/${partition} is halted at offset ${position}: ${haltedFor?.why}`,
    );
    this.#haltedPartitions.store(loop);
  }
}
