import type { FetchedBatch } from '../source/partition-source.ts';
import { BackPressure } from './back-pressure.ts';
import { RecordQueue, type Slice } from './record-queue.ts';

/** Fewer records than this wait for more: above it, a transaction of their own costs little. */
const FEW_RECORDS = 500;
const FEW_BYTES = 1_048_576;

/** A fetch that did not begin at the offset that was requested. */
export interface MisplacedFetch {
  readonly asked: number;
  readonly given: number;
}

export interface RecordIntakeOptions {
  /** Where the first fetch must begin. */
  readonly fromOffset: number;
  /** Records from this offset on are not read; `undefined`: all are. */
  readonly until: number | undefined;
  /** Bytes that may be held before fetching waits. */
  readonly bufferBytes: () => number;
  readonly pauseFetching: () => void;
  readonly resumeFetching: () => void;
}

/**
 * What was fetched of a partition and is not applied yet: a queue without gaps, bounded by
 * back-pressure. Bytes count from the fetch until the batch that they are in is applied.
 */
export class RecordIntake {
  readonly #options: RecordIntakeOptions;
  readonly #queue: RecordQueue;
  readonly #backPressure: BackPressure;
  #bytesTaken = 0;
  #unreadable: string | undefined;
  #wake: () => void = () => {};

  constructor(options: RecordIntakeOptions) {
    const { fromOffset, until, pauseFetching, resumeFetching } = options;
    this.#options = options;
    this.#queue = new RecordQueue(fromOffset, until);
    this.#backPressure = new BackPressure({
      isFull: () => this.#isFull,
      pause: pauseFetching,
      resume: resumeFetching,
    });
  }

  /** How many records wait. */
  get size(): number {
    return this.#queue.size;
  }

  get isEmpty(): boolean {
    return this.#queue.isEmpty;
  }

  /**
   * Whether few records wait, and others may come soon.
   *
   * @param maxRecords of one batch: a full one waits for nothing
   */
  isLean(maxRecords: number): boolean {
    const { size, bytes, isAtEnd } = this.#queue;
    if (isAtEnd || this.#unreadable !== undefined || this.#isFull) return false;
    return size < Math.min(maxRecords, FEW_RECORDS) && bytes < FEW_BYTES;
  }

  /** The offset that is to be fetched next. */
  get nextOffset(): number {
    return this.#queue.nextOffset;
  }

  /** Why nothing can be read after what waits. */
  get unreadable(): string | undefined {
    return this.#unreadable;
  }

  /**
   * Whether all is fetched that is to be read, and fetching pauses. From `until` on, it matters neither
   * where a fetch begins nor whether it can be read.
   */
  isComplete(): boolean {
    if (!this.#queue.isAtEnd) return false;
    this.#options.pauseFetching();
    return true;
  }

  /** @returns how an offset differs from the one that must be fetched next */
  misplaced(given: number): MisplacedFetch | undefined {
    const asked = this.#queue.nextOffset;
    return given === asked ? undefined : { asked, given };
  }

  /** Queues what was fetched; the promise settles when there is room for more, or soon. */
  push(batch: FetchedBatch): Promise<void> | undefined {
    this.#queue.push(batch);
    this.#wake();
    return this.#backPressure.whenThereIsRoom();
  }

  /** Notes that nothing can be read after what was fetched. */
  endsUnreadable(why: string): void {
    this.#unreadable = why;
    this.#wake();
  }

  /** Settles at the next change, also by `end`. */
  async changed(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
  }

  get #isFull(): boolean {
    return this.#queue.bytes + this.#bytesTaken >= this.#options.bufferBytes();
  }

  take(maxRecords: number, maxBytes: number): Slice {
    const slice = this.#queue.take(maxRecords, maxBytes);
    this.#bytesTaken += slice.bytes;
    return slice;
  }

  /** The bytes of a slice that was taken are not held any more. */
  free(bytes: number): void {
    this.#bytesTaken -= bytes;
  }

  /** Resumes fetching when there is room. */
  ease(): void {
    this.#backPressure.ease();
  }

  /** Nothing is taken any more, and fetching neither waits nor is resumed. */
  end(): void {
    this.#backPressure.end();
    this.#wake();
  }
}
