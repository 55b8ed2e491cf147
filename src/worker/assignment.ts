import assert from 'node:assert/strict';
import { keyOf, type TopicPartition } from '../records/topic-partition.ts';
import type { FetchedBatch, UnreadablePart } from '../source/partition-source.ts';
import type { HaltedPartitions } from './halted-partitions.ts';
import { PartitionLoop } from './partition-loop.ts';
import type { PartitionLoopStart } from './partition-loop-context.ts';
import { PartitionStarter, type RecordedStart } from './partition-starter.ts';
import {
  inOrder,
  type PartitionStatus,
  statusOfLoop,
  statusOfStarting,
} from './partition-status.ts';
import type { MisplacedFetch } from './record-intake.ts';
import { haltAtStart } from './record-start.ts';
import type { WorkerContext } from './worker-context.ts';

export interface AssignmentContext extends WorkerContext {
  readonly haltedPartitions: HaltedPartitions;
}

type Mode = 'active' | 'draining' | 'ended';

const NEXT_MODES: Record<Mode, readonly Mode[]> = {
  active: ['draining', 'ended'],
  draining: ['ended'],
  ended: [],
};

/**
 * The partitions that the group assigned to this worker, until the next rebalance.
 *
 * An assignment is always in one of these modes:
 *
 * ## ACTIVE
 *
 * Each of its partitions is either starting (partition-starter.ts: its position is looked up and its
 * start recorded) or has a loop, which runs or is halted (partition-loop.ts). One that starts first
 * awaits the loops that were closed, of this assignment and of those before: no two loops of a process
 * write for the same partition. A loop that reports an unexpected position is closed, and its partition
 * is starting again.
 *
 * ## DRAINING
 *
 * The worker stops. Nothing starts; loops are closed, and their transactions may retry until the
 * deadline. Partitions keep their status.
 *
 * ## ENDED
 *
 * The partitions may belong to others. Loops are closed, and retry no more. A transaction that is still
 * under way commits before the next owner's first one, or is rolled back by the fence of the position.
 */
export class Assignment {
  readonly #context: AssignmentContext;
  readonly #starter: PartitionStarter;
  readonly #loops = new Map<string, PartitionLoop>();
  readonly #inactive = new AbortController();
  #mode: Mode = 'active';
  /** Settles when every loop that was closed so far has ended. */
  #closed: Promise<unknown>;

  /** @param previous settles when the loops of the assignments before have ended */
  constructor(
    context: AssignmentContext,
    partitions: readonly TopicPartition[],
    previous: Promise<unknown>,
  ) {
    this.#context = context;
    this.#closed = previous;
    this.#starter = new PartitionStarter({
      ...context,
      signal: this.#inactive.signal,
      closed: () => this.#closed,
      onStart: (where, recorded) => this.#startLoop(where, recorded),
    });
    // By topic: one about which the brokers say nothing delays none of the others.
    for (const topic of new Set(partitions.map((where) => where.topic))) {
      this.#starter.start(partitions.filter((where) => where.topic === topic));
    }
  }

  get loops(): readonly PartitionLoop[] {
    return [...this.#loops.values()];
  }

  status(): PartitionStatus[] {
    const { clock } = this.#context;
    return inOrder([
      ...this.#starter.starting.map((where) => statusOfStarting(where, clock)),
      ...this.loops.map((loop) => statusOfLoop(loop, clock)),
    ]);
  }

  fetched(batch: FetchedBatch): Promise<void> | undefined {
    return this.#loops.get(keyOf(batch))?.push(batch);
  }

  unreadable(part: UnreadablePart): void {
    this.#loops.get(keyOf(part))?.unreadable(part);
  }

  /**
   * Finishes the transactions under way.
   *
   * @param timeoutMs after which transactions are not retried any more
   */
  async drain(timeoutMs: number): Promise<void> {
    this.#enter('draining');
    const { loops } = this;
    for (const loop of loops) this.#context.source.pause(loop);
    this.#close(loops);
    const deadline = setTimeout(() => {
      for (const loop of loops) loop.abort();
    }, timeoutMs);
    await this.#closed;
    clearTimeout(deadline);
  }

  /** Closes all loops; the promise settles when they have ended. */
  end(): Promise<unknown> {
    this.#enter('ended');
    const { loops } = this;
    this.#starter.clear();
    this.#loops.clear();
    for (const loop of loops) this.#context.clock.ended(loop.progress);
    this.#close(loops);
    for (const loop of loops) loop.abort();
    return this.#closed;
  }

  /** Closes a loop, looks its position up again, and starts another loop from there. */
  resync(loop: PartitionLoop, why: string, fetch?: MisplacedFetch): void {
    if (!this.#isActive(loop)) return;
    const { source, logger, clock } = this.#context;
    const { topic, partition } = loop;
    const where = { topic, partition };
    logger.info({ ...where, why }, 'looking up the position again');
    source.pause(where);
    this.#loops.delete(keyOf(where));
    clock.ended(loop.progress);
    this.#close([loop]);
    this.#starter.start([where], fetch);
  }

  /** The same, after the database was restored to an earlier moment. */
  restored(loop: PartitionLoop, why: string): void {
    if (!this.#isActive(loop)) return;
    const { topic, partition, position: offset } = loop.progress;
    this.#context.logger.warn({ topic, partition, offset }, why);
    this.#context.ledger.forget();
    this.resync(loop, 'the database was restored to an earlier moment');
  }

  #enter(mode: Mode): void {
    assert.ok(NEXT_MODES[this.#mode].includes(mode), `an assignment: ${this.#mode} to ${mode}`);
    this.#mode = mode;
    this.#inactive.abort();
  }

  #isActive(loop: PartitionLoop): boolean {
    return this.#mode === 'active' && this.#loops.get(keyOf(loop)) === loop;
  }

  #close(loops: readonly PartitionLoop[]): void {
    for (const loop of loops) loop.close();
    this.#closed = Promise.all([this.#closed, ...loops.map((loop) => loop.ended())]);
  }

  #startLoop(where: TopicPartition, recorded: RecordedStart): void {
    const { clock, source, commits, haltedPartitions, until } = this.#context;
    const { start, position, view, committed, judgedFrom, seenBefore, endOffset } = recorded;
    const { nextOffset, pass } = position;
    const loop = this.#createLoop(where, {
      ...position,
      topicId: view.topicId,
      judgedFrom: judgedFrom ?? position.judgedFrom,
      seenBefore,
      endOffset,
      advancedAt: clock.started(where, nextOffset, Math.max(view.latest - nextOffset, 0)),
      until: until?.get(keyOf(where)),
    });
    this.#loops.set(keyOf(where), loop);
    const halt =
      haltAtStart(where, start, position, judgedFrom !== undefined) ??
      haltedPartitions.unstoredHaltOf(where);
    if (halt !== undefined) {
      if (halt.cause === position.halt?.cause) haltedPartitions.isStored(loop);
      loop.halt(halt);
      return;
    }
    loop.start();
    if (committed?.nextOffset !== nextOffset) commits.note(where, nextOffset, pass);
    source.seek(where, nextOffset);
    source.resume(where);
  }

  #createLoop(where: TopicPartition, start: PartitionLoopStart): PartitionLoop {
    const { bufferBytes, source, commits, onApplied } = this.#context;
    const loop: PartitionLoop = new PartitionLoop(where, start, {
      ...this.#context,
      bufferBytes: () => bufferBytes / Math.max(this.#loops.size, 1),
      pauseFetching: () => source.pause(where),
      resumeFetching: () => source.resume(where),
      resync: (why, fetch) => this.resync(loop, why, fetch),
      restored: (why) => this.restored(loop, why),
      onHalted: () => this.#context.haltedPartitions.halted(loop),
      onMoved: () => {
        // The partition of a loop that was closed may be another worker's, whose copy is newer.
        const isCurrent = this.#loops.get(keyOf(where)) === loop;
        if (isCurrent) commits.note(where, loop.progress.position, loop.pass);
      },
      onApplied: ({ counts, otherAccounts }, ms) => onApplied?.(where, counts, otherAccounts, ms),
    });
    return loop;
  }
}
