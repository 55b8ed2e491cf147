/** How long one full partition may hold up the fetching of all of them. */
const MAX_HOLD_UP_MS = 200;

export interface FetchedPartition {
  /** Whether it holds its share of memory. */
  isFull(): boolean;
  pause(): void;
  resume(): void;
}

/**
 * Slows fetching down to the pace of booking. A full partition holds the fetching up for a moment,
 * which is enough when it is the worker that is slow. One that stays full, because it waits for a
 * lock or a registry, must not hold up the others: it alone is then paused. (To pause at once would
 * cost what is being fetched already.)
 */
export class BackPressure {
  readonly #partition: FetchedPartition;
  #isPaused = false;
  #isOver = false;
  #waiting: (() => void)[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(partition: FetchedPartition) {
    this.#partition = partition;
  }

  /** Settles when there is room for more, or soon; `undefined`: there is. */
  whenThereIsRoom(): Promise<void> | undefined {
    if (this.#isOver || !this.#partition.isFull()) return undefined;
    this.#timer ??= setTimeout(() => {
      this.#isPaused = true;
      this.#partition.pause();
      this.#letGo();
    }, MAX_HOLD_UP_MS);
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
    });
  }

  /** Told when the partition holds less than before. */
  ease(): void {
    if (this.#isOver || this.#partition.isFull()) return;
    this.#letGo();
    if (this.#isPaused) {
      this.#isPaused = false;
      this.#partition.resume();
    }
  }

  /** Holds nothing up any more, and neither pauses nor resumes. */
  end(): void {
    this.#isOver = true;
    this.#letGo();
  }

  #letGo(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}
