import assert from 'node:assert/strict';
import { type Halt, haltOf } from '../ledger/halt.ts';
import type { Position } from '../ledger/position.ts';
import type { TopicPartition } from '../records/topic-partition.ts';
import type { FetchedBatch, UnreadablePart } from '../source/partition-source.ts';
import { BatchApplier, type BatchEnd } from './apply-batch.ts';
import { BatchPreparer } from './batch-preparer.ts';
import { DependencyRetry } from './dependency-retry.ts';
import type { PartitionLoopContext, PartitionLoopStart } from './partition-loop-context.ts';
import { PartitionProgress } from './partition-progress.ts';
import { type Prepared, release } from './prepare-slice.ts';
import { RecordIntake } from './record-intake.ts';
import { wentBack } from './went-back.ts';

type Mode = 'created' | 'running' | 'halted' | 'closed';

const NEXT_MODES: Record<Mode, readonly Mode[]> = {
  created: ['running', 'halted', 'closed'],
  running: ['halted', 'closed'],
  halted: ['closed'],
  closed: [],
};

/** A batch is prepared ahead of the running transaction only when so many records wait. */
const WORTH_PREPARING = 1_000;

/**
 * One assigned partition, from its position until the assignment ends. Fetched records wait in a
 * bounded queue (record-intake.ts); the loop takes them out, prepares a batch (batch-preparer.ts) and
 * applies it (apply-batch.ts), one at a time. While a batch is in Postgres, the next one is prepared.
 *
 * A loop is always in one of these modes. It never runs twice: a partition that starts again, after a
 * decision or because its position was found elsewhere, gets another loop.
 *
 * ## CREATED
 *
 * It has a position. Moves to RUNNING by `start`, or to HALTED when a halt is stored with the position.
 *
 * ## RUNNING
 *
 * The only mode in which it accepts fetched records, and begins transactions. Waits for records, when
 * they are few for the end of a window (shared-transactions.ts), for a batch permit, and for dependencies that do not answer. Moves to HALTED after the batch in which
 * dead letters exceed the limit, and at the offset from which records cannot be read. A fetch or a position
 * that it did not expect is reported (`resync`, `restored`), upon which the assignment closes it.
 *
 * ## HALTED
 *
 * A person must decide, or a restart. Fetching is paused, and what waits is never applied.
 *
 * ## CLOSED
 *
 * The assignment ended, or the position is looked up again. The transaction under way still ends, and
 * `ended` waits for it; what is queued is read again from the position by the next owner.
 */
export class PartitionLoop implements TopicPartition {
  readonly topic: string;
  readonly partition: number;
  readonly pass: number;
  readonly topicId: string | undefined;
  readonly progress: PartitionProgress;
  readonly #context: PartitionLoopContext;
  readonly #intake: RecordIntake;
  readonly #retry: DependencyRetry;
  readonly #preparer: BatchPreparer;
  readonly #applier: BatchApplier;
  #mode: Mode = 'created';
  #halt: Halt | undefined;
  #ended: Promise<void> = Promise.resolve();

  constructor(where: TopicPartition, start: PartitionLoopStart, context: PartitionLoopContext) {
    const { topic, partition } = where;
    const { nextOffset: fromOffset, pass, generation, topicId, judgedFrom, until } = start;
    const { seenBefore = 0 } = start;
    this.topic = topic;
    this.partition = partition;
    this.pass = pass;
    this.topicId = topicId;
    this.#context = context;
    const progress = new PartitionProgress(where, start);
    const isRunning = () => this.isRunning;
    const intake = new RecordIntake({ ...context, fromOffset, until });
    const retry = new DependencyRetry({ ...context, progress, isRunning });
    const origin = { groupId: context.groupId, topic, partition, pass, generation, seenBefore };
    this.progress = progress;
    this.#intake = intake;
    this.#retry = retry;
    this.#preparer = new BatchPreparer({ ...context, intake, origin, retry, judgedFrom });
    this.#applier = new BatchApplier({ ...context, progress, retry, judgedFrom, isRunning });
  }

  get isRunning(): boolean {
    return this.#mode === 'running';
  }

  get isHalted(): boolean {
    return this.#mode === 'halted';
  }

  /** Why the loop is halted, or was when it was closed. */
  get haltedFor(): Halt | undefined {
    return this.#halt;
  }

  start(): void {
    this.#enter('running');
    this.#ended = this.#run().catch((error: unknown) => {
      if (this.isRunning) this.#context.onFailure(error);
    });
  }

  /** Halts a loop that is not closed. */
  halt(halt: Halt): void {
    if (this.isHalted || this.#mode === 'closed') return;
    this.#halt = halt;
    this.#enter('halted');
  }

  close(): void {
    if (this.#mode !== 'closed') this.#enter('closed');
  }

  /** Ends waits between attempts; the transaction under way still ends by itself. */
  abort(): void {
    this.#retry.abort();
  }

  /** Settles when the transaction under way has ended. Never rejects. */
  ended(): Promise<void> {
    return this.#ended;
  }

  /** Queues what was fetched; the promise settles when there is room for more, or soon. */
  push(batch: FetchedBatch): Promise<void> | undefined {
    if (!this.isRunning || this.#intake.isComplete()) return undefined;
    this.progress.endsAt(Math.max(batch.endOffset, batch.nextOffset));
    // A fetch begins at the offset that it was asked for, also where offsets before its first record
    // were compacted away: one that begins elsewhere did so because the offset was not there.
    if (this.#isMisplaced(batch.fromOffset, true)) return undefined;
    this.progress.fetched(batch.records);
    return this.#intake.push(batch);
  }

  /** Applies what was fetched before, and halts there. */
  unreadable({ fromOffset, why }: UnreadablePart): void {
    if (!this.isRunning || this.#intake.isComplete()) return;
    if (!this.#isMisplaced(fromOffset, false)) this.#intake.endsUnreadable(why);
  }

  /** Reports an offset that is not the next one to be fetched. */
  #isMisplaced(offset: number, isFetch: boolean): boolean {
    const misplaced = this.#intake.misplaced(offset);
    if (misplaced === undefined) return false;
    const { asked, given } = misplaced;
    const why = `expected offset ${asked}, was given ${given}`;
    this.#context.resync(why, isFetch ? misplaced : undefined);
    return true;
  }

  /** The one place in which the mode changes. */
  #enter(mode: Mode): void {
    const from = this.#mode;
    assert.ok(NEXT_MODES[from].includes(mode), `a partition loop that is ${from} became ${mode}`);
    assert.ok(mode !== 'halted' || this.#halt !== undefined, 'a halt has a cause');
    this.#mode = mode;
    if (mode === 'running') return;
    if (mode === 'halted') this.#context.pauseFetching();
    this.#intake.end();
    if (mode === 'halted') this.#context.onHalted();
  }

  async #run(): Promise<void> {
    const { permits } = this.#context;
    let ahead: Promise<Prepared> | undefined;
    while (await this.#hasRecords(ahead !== undefined)) {
      const early = await ahead;
      ahead = undefined;
      const isShared = early === undefined && (await this.#lingers());
      if (!this.isRunning) return;
      if (isShared) {
        await this.#applyTogether();
        continue;
      }
      await permits.acquire();
      try {
        // Closed meanwhile: nothing more is taken, and no registry is waited for.
        if (!this.isRunning) return;
        const prepared = early ?? (await this.#preparer.next(true));
        const applying = this.#applier.apply(prepared.batch);
        // The thread is idle while Postgres works on this batch: it prepares the next one, unless
        // another partition waits for the thread.
        const isIdle = !permits.isContended && this.#intake.size >= WORTH_PREPARING;
        ahead = isIdle ? this.#preparer.next(false) : undefined;
        ahead?.catch(() => {});
        this.#finish(prepared, await applying);
      } finally {
        permits.release();
      }
    }
  }

  /** Waits until there is something to apply; `false` when the loop has ended. */
  async #hasRecords(isPrepared: boolean): Promise<boolean> {
    while (this.isRunning && !isPrepared && this.#intake.isEmpty) {
      const { unreadable } = this.#intake;
      if (unreadable === undefined) await this.#intake.changed();
      else this.halt(haltOf('unreadable', this, unreadable));
    }
    return this.isRunning;
  }

  /**
   * Waits for more records where there are few and all that the partition had are fetched, until the
   * end of the window.
   *
   * @returns whether there still are few, at its end
   */
  async #lingers(): Promise<boolean> {
    const { shared, maxEvents } = this.#context;
    if (shared === undefined) return false;
    const mayWait = () =>
      this.isRunning &&
      this.#intake.isLean(maxEvents) &&
      this.#intake.nextOffset >= this.progress.endOffset;
    let isOver = false;
    const over = shared.due().then(() => {
      isOver = true;
    });
    while (!isOver && mayWait()) await Promise.race([over, this.#intake.changed()]);
    return isOver && this.#intake.isLean(maxEvents);
  }

  async #applyTogether(): Promise<void> {
    const prepared = await this.#preparer.next(false);
    this.#finish(prepared, await this.#applier.applyTogether(prepared.batch));
  }

  #finish(prepared: Prepared, end: BatchEnd): void {
    if (end.kind === 'moved') this.#reportMoved(end.expected, end.found);
    this.#intake.free(prepared.bytes);
    // What was not applied is left to the garbage collector: a batch prepared ahead may be read from
    // the same block.
    if (this.isRunning) release(prepared.pieces);
    const halt = prepared.halt ?? (end.kind === 'halt' ? end.halt : undefined);
    if (halt !== undefined) this.halt(halt);
    this.#intake.ease();
  }

  #reportMoved(expected: Position, found: Position | undefined): void {
    const lost = wentBack(this, expected, found);
    if (lost !== undefined) {
      this.#context.restored(lost);
    } else {
      const where = found && `offset ${found.nextOffset}, pass ${found.pass}`;
      this.#context.resync(`the position is ${where ?? 'gone'}, not ${expected.nextOffset}`);
    }
  }
}
