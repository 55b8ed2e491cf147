/** How long one full partition may delay the fetches of all of them. */
const MAX_DELAY_MS = 200;

export interface FetchedPartition {
  /** Whether it holds its share of memory. */
  isFull(): boolean;
  pause(): void;
  resume(): void;
}

/**
 * Slows fetching down to the pace of applying. A full partition first delays the fetches of all, which
 * is enough when the worker is slow. One that stays full, because it waits for a lock or the registry,
 * must not delay the others: it alone is then paused. (To pause at once would discard the fetch under
 * way.)
 */
export class BackPressure {
  readonly #partition: FetchedPartition;
  #isPaused = false;
  #hasEnded = false;
  #waiting: (() => void)[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(partition: FetchedPartition) {
    this.#partition = partition;
  }

  /** Settles when there is room for more, or after MAX_DELAY_MS; `undefined`: there is room. */
  whenThereIsRoom(): Promise<void> | undefined {
    if (this.#hasEnded || !this.#partition.isFull()) return undefined;
    this.#timer ??= setTimeout(() => {
      this.#isPaused = true;
      this.#partition.pause();
      this.#releaseFetches();
    }, MAX_DELAY_MS);
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
    });
  }

  /** Called when the partition holds less than before. */
  ease(): void {
    if (this.#hasEnded || this.#partition.isFull()) return;
    this.#releaseFetches();
    if (this.#isPaused) {
      this.#isPaused = false;
      this.#partition.resume();
    }
  }

  /** Delays nothing any more, and neither pauses nor resumes. */
  end(): void {
    this.#hasEnded = true;
    this.#releaseFetches();
  }

  #releaseFetches(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}
