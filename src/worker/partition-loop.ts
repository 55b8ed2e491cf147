import type { Logger } from '../config/logger.ts';
import type { SchemaCache, SchemaEntries } from '../decode/avro/schema-cache.ts';
import { messageOf } from '../errors.ts';
import { type Halt, haltOf } from '../ledger/halt.ts';
import type { ApplyResult, Ledger } from '../ledger/ledger.ts';
import type { Position } from '../ledger/position.ts';
import { isTransient } from '../postgres/errors.ts';
import type { Batch } from '../records/message.ts';
import type { TopicPartition } from '../records/topic-partition.ts';
import type { FetchedBatch, UnreadablePart } from '../source/partition-source.ts';
import { BackPressure } from './back-pressure.ts';
import { backOff } from './backoff.ts';
import { after, BatchPace } from './batch-pace.ts';
import type { BatchPermits } from './batch-permits.ts';
import { BookedWindow } from './booked-window.ts';
import { DeadLetterWindow } from './dead-letter-window.ts';
import { type Prepared, prepareSlice, release } from './prepare-slice.ts';
import { RecordQueue } from './record-queue.ts';
import { wentBack } from './went-back.ts';

/** Where a loop begins. */
export interface PartitionLoopStart extends Position {
  /** The partition's end as of now. */
  readonly endOffset: number;
  /** The generation of the topic that is read. */
  readonly generation: number;
  /** The id of the topic when the position was looked up, if the brokers named one. */
  readonly topicId: string | undefined;
  /** Dead letters before this offset do not count towards the limit. */
  readonly judgedFrom: number;
  /** When the partition last moved, in milliseconds since 1970. */
  readonly advancedAt: number;
  /** Where to end, without this offset; `undefined`: never. */
  readonly until: number | undefined;
}

/** What a loop needs from the worker that it runs in. */
export interface PartitionLoopContext {
  readonly groupId: string;
  readonly ledger: Pick<Ledger, 'apply'>;
  readonly schemas: SchemaCache;
  readonly logger: Logger;
  /** Shared by all loops of the worker. */
  readonly permits: BatchPermits;
  readonly maxEvents: number;
  readonly deadLetterLimit: number;
  /** Bytes that this loop may hold before fetching waits; changes with the assignment. */
  bufferBytes(): number;
  pauseFetching(partition: TopicPartition): void;
  resumeFetching(partition: TopicPartition): void;
  /** The position was found or moved elsewhere: the worker looks it up and starts another loop. */
  resync(loop: PartitionLoop, why: string, fetch?: MisplacedFetch): void;
  /** The same, and what is remembered of the database is dropped: it lost what was committed. */
  restored(loop: PartitionLoop, why: string): void;
  halted(loop: PartitionLoop): void;
  /** @param ms how long the transaction took */
  applied(
    loop: PartitionLoop,
    batch: Batch,
    result: ApplyResult & { status: 'applied' },
    ms: number,
  ): void;
  /** A bug, or nothing that another try could mend. */
  failed(error: unknown): void;
}

/** A fetch that did not begin at the offset that was asked for. */
export interface MisplacedFetch {
  readonly asked: number;
  readonly given: number;
}

/** Most bytes of one transaction, so that a batch of large dead letters stays small in memory. */
const MAX_BATCH_BYTES = 6 * 1_048_576;
/** Only with this many waiting is it worth preparing ahead of the running transaction. */
const WORTH_PREPARING = 1_000;

/**
 * One assigned partition, from its position to whenever the assignment ends. Records wait in a
 * bounded queue; a loop takes them out, prepares them and books them, one batch at a time; the next
 * batch is prepared while the one before is in Postgres.
 *
 * A loop is `running`, then either `halted` (a person must decide) or `closed` (the assignment
 * ended), for good: a partition that starts again gets another loop.
 */
export class PartitionLoop implements TopicPartition {
  readonly topic: string;
  readonly partition: number;
  readonly pass: number;
  readonly generation: number;
  readonly topicId: string | undefined;
  readonly #context: PartitionLoopContext;
  readonly #queue: RecordQueue;
  /** Of what is refused before a batch, and of all that becomes a dead letter. */
  readonly #window: DeadLetterWindow;
  readonly #booked: BookedWindow;
  readonly #brake: BackPressure;
  readonly #pace = new BatchPace();
  readonly #abort = new AbortController();
  #state: 'running' | 'halted' | 'closed' = 'running';
  #halt: Halt | undefined;
  #position: number;
  #endOffset: number;
  #advancedAt: number;
  #trouble: string | undefined;
  /** Why nothing can be read after what is in the queue. */
  #unreadable: string | undefined;
  #bytesAhead = 0;
  #wake: (() => void) | undefined;
  #loop: Promise<void> | undefined;

  constructor(where: TopicPartition, start: PartitionLoopStart, context: PartitionLoopContext) {
    this.topic = where.topic;
    this.partition = where.partition;
    this.pass = start.pass;
    this.generation = start.generation;
    this.topicId = start.topicId;
    this.#context = context;
    this.#queue = new RecordQueue(start.nextOffset, start.until);
    this.#window = new DeadLetterWindow(context.deadLetterLimit, start.judgedFrom);
    this.#booked = new BookedWindow(where, context.deadLetterLimit, start.judgedFrom);
    this.#brake = new BackPressure({
      isFull: () => this.#queue.bytes + this.#bytesAhead >= context.bufferBytes(),
      pause: () => context.pauseFetching(this),
      resume: () => context.resumeFetching(this),
    });
    this.#position = start.nextOffset;
    this.#endOffset = start.endOffset;
    this.#advancedAt = start.advancedAt;
  }

  get state(): 'running' | 'halted' | 'closed' {
    return this.#state;
  }

  /** Why the loop is halted. */
  get haltedFor(): Halt | undefined {
    return this.#halt;
  }

  /** The next offset to be booked. */
  get position(): number {
    return this.#position;
  }

  /** The end of the partition, as far as is known. */
  get endOffset(): number {
    return this.#endOffset;
  }

  /** Offsets between the position and the end of the partition, as far as is known. */
  get lag(): number {
    return Math.max(this.#endOffset - this.#position, 0);
  }

  /** When the position last moved or there was nothing to do, in milliseconds since 1970. */
  get advancedAt(): number {
    return this.#advancedAt;
  }

  /** What keeps the loop from going on; `undefined` when nothing does. */
  get trouble(): string | undefined {
    return this.#trouble;
  }

  start(): void {
    this.#loop = this.#run().catch((error: unknown) => {
      if (this.#state === 'running') this.#context.failed(error);
    });
  }

  /** Takes what was fetched; what it returns settles when there is room for more, or soon. */
  push(batch: FetchedBatch): Promise<void> | undefined {
    if (this.#state !== 'running' || this.#isReadToEnd()) return undefined;
    this.#endOffset = Math.max(batch.endOffset, batch.nextOffset);
    const asked = this.#queue.nextOffset;
    const given = batch.fromOffset;
    if (given !== asked) {
      // A fetch names the offset that it was asked for, also where offsets before its first record
      // were compacted away: this one went somewhere else by itself.
      this.#context.resync(this, `expected offset ${asked}, was given ${given}`, { asked, given });
      return undefined;
    }
    if (this.lag === 0) this.#advancedAt = Date.now();
    this.#queue.push(batch);
    this.#wake?.();
    return this.#brake.whenThereIsRoom();
  }

  /** Books what was fetched before, and halts there. */
  unreadable({ fromOffset, why }: UnreadablePart): void {
    if (this.#state !== 'running' || this.#isReadToEnd()) return;
    const expected = this.#queue.nextOffset;
    if (fromOffset !== expected) {
      this.#context.resync(this, `expected offset ${expected}, was given ${fromOffset}`);
      return;
    }
    this.#unreadable = why;
    this.#wake?.();
  }

  /** What comes after `until` is of no account: not where it begins, nor whether it can be read. */
  #isReadToEnd(): boolean {
    if (!this.#queue.isAtEnd) return false;
    this.#context.pauseFetching(this);
    return true;
  }

  /** Ends the loop; what is in the queue is read again by whoever has the partition next. */
  close(): void {
    if (this.#state === 'running') this.#state = 'closed';
    this.#brake.end();
    this.#wake?.();
  }

  /** Settles when the transaction under way has ended. */
  async ended(): Promise<void> {
    await this.#loop;
  }

  /** Cuts waits between attempts short; the transaction under way still ends by itself. */
  abort(): void {
    this.#abort.abort();
  }

  halt(halt: Halt): void {
    if (this.#state !== 'running') return;
    this.#state = 'halted';
    this.#halt = halt;
    this.#context.pauseFetching(this);
    this.#brake.end();
    this.#wake?.();
    this.#context.halted(this);
  }

  async #run(): Promise<void> {
    const { permits } = this.#context;
    let ahead: Promise<Prepared> | undefined;
    while (await this.#hasRecords(ahead)) {
      const early = await ahead;
      await permits.acquire();
      try {
        const prepared = early ?? (await this.#prepareNext(true));
        const applying = this.#apply(prepared.batch);
        // Postgres works on this batch: the time is used for the next one, unless another
        // partition waits to use it.
        const isIdle = !permits.isContended && this.#queue.size >= WORTH_PREPARING;
        ahead = isIdle ? this.#prepareNext(false) : undefined;
        ahead?.catch(() => {});
        const halt = await applying;
        this.#bytesAhead -= prepared.bytes;
        if (this.#state === 'running') release(prepared);
        const why = prepared.halt ?? halt;
        if (why !== undefined) this.halt(why);
        this.#brake.ease();
      } finally {
        permits.release();
      }
    }
  }

  /** Waits until there is something to book; `false` when the loop has ended. */
  async #hasRecords(ahead: Promise<Prepared> | undefined): Promise<boolean> {
    while (this.#state === 'running' && ahead === undefined && this.#queue.isEmpty) {
      if (this.#unreadable !== undefined) {
        this.halt(haltOf('unreadable', this, this.#unreadable));
        break;
      }
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return this.#state === 'running';
  }

  /** @param hasPermit which is then given away while the registry is waited for */
  async #prepareNext(hasPermit: boolean): Promise<Prepared> {
    const { groupId, permits, schemas, maxEvents } = this.#context;
    const slice = this.#queue.take(maxEvents, MAX_BATCH_BYTES);
    this.#bytesAhead += slice.bytes;
    const load = () => this.#loadSchemas(slice.schemaIds);
    const entries =
      schemas.known(slice.schemaIds) ?? (await (hasPermit ? permits.releaseWhile(load) : load()));
    const { topic, partition, pass, generation } = this;
    const where = { groupId, topic, partition, pass, generation };
    return permits.prepare(() => prepareSlice(slice, where, entries, this.#window));
  }

  /** The registry is asked for unknown schema ids until it answers. */
  #loadSchemas(ids: ReadonlySet<number>): Promise<SchemaEntries> {
    return this.#untilItWorks(
      'the schema registry',
      () => true,
      () => this.#context.schemas.load(ids),
      false,
    );
  }

  /** @returns why to halt behind what was booked */
  async #apply(whole: Batch): Promise<Halt | undefined> {
    const goesOnAfter = (offset: number) => this.#booked.rejected(whole, offset);
    let batch: Batch = { ...whole, goesOnAfter };
    while (this.#state === 'running') {
      let part = batch;
      let begun = 0;
      const work = async () => {
        part = this.#pace.part(batch);
        begun = performance.now();
        try {
          return await this.#context.ledger.apply(part);
        } catch (error) {
          this.#noteFailure(part, error);
          throw error;
        }
      };
      const result = await this.#untilItWorks('Postgres', isTransient, work, true);
      if (result.status === 'applied') {
        const ms = performance.now() - begun;
        const nextOffset = result.stoppedAt ?? part.nextOffset;
        this.#pace.booked(ms);
        this.#moveTo(nextOffset);
        this.#context.applied(this, { ...part, nextOffset }, result, ms);
        const halt = this.#booked.booked(whole, nextOffset, result.counts.dead_letter > 0);
        if (halt !== undefined) return halt;
      } else if (isWithin(batch, result.position)) {
        // A commit whose answer was lost did take place, of all of the batch or of a part of it.
        this.#moveTo(result.position.nextOffset);
      } else {
        this.#resync(batch, result.position);
        return undefined;
      }
      if (this.#position === batch.nextOffset) return undefined;
      batch = after(batch, this.#position);
    }
    return undefined;
  }

  #noteFailure({ messages }: Batch, error: unknown): void {
    const most = this.#pace.failed(messages.length, error);
    if (most === undefined) return;
    const { topic, partition } = this;
    const fields = { topic, partition, offset: this.#position, error: messageOf(error) };
    const why = `Postgres does not finish ${messages.length} messages at once; trying ${most}`;
    this.#context.logger.warn(fields, why);
  }

  #resync(batch: Batch, now: Position | undefined): void {
    const lost = wentBack(this, { nextOffset: batch.fromOffset, pass: batch.pass }, now);
    if (lost !== undefined) {
      this.#context.restored(this, lost);
    } else {
      const found = now && `offset ${now.nextOffset}, pass ${now.pass}`;
      this.#context.resync(this, `the position is ${found ?? 'gone'}, not ${batch.fromOffset}`);
    }
  }

  #moveTo(position: number): void {
    this.#position = position;
    this.#advancedAt = Date.now();
  }

  /** @param hasPermit which between two attempts is for the other partitions */
  async #untilItWorks<T>(
    what: string,
    mayWorkLater: (error: unknown) => boolean,
    work: () => Promise<T>,
    hasPermit: boolean,
  ): Promise<T> {
    const { permits } = this.#context;
    const { signal } = this.#abort;
    for (let attempt = 0; ; attempt += 1) {
      try {
        const result = await work();
        this.#trouble = undefined;
        return result;
      } catch (error) {
        if (this.#state !== 'running' || !mayWorkLater(error)) throw error;
        this.#trouble = `${what}: ${messageOf(error)}`;
        const { topic, partition } = this;
        const fields = {
          topic,
          partition,
          offset: this.#position,
          attempt,
          error: messageOf(error),
        };
        this.#context.logger.warn(fields, `${what} does not answer; trying again`);
        const pause = () => backOff(attempt, signal);
        await (hasPermit ? permits.releaseWhile(pause) : pause());
      }
    }
  }
}

/** Whether the position is one to which the batch moves it, as a whole or in parts. */
function isWithin(batch: Batch, position: Position | undefined): position is Position {
  if (position === undefined || position.pass !== batch.pass) return false;
  const { nextOffset } = position;
  return nextOffset > batch.fromOffset && nextOffset <= batch.nextOffset;
}
