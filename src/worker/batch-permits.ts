/**
 * How many batches are in the making at once, whatever the number of partitions: it bounds memory
 * and connections. First come, first served, so that every partition gets its turn.
 */
export class BatchPermits {
  #free: number;
  readonly #waiting: (() => void)[] = [];
  #preparing: Promise<unknown> = Promise.resolve();

  constructor(count: number) {
    this.#free = count;
  }

  /** Whether somebody waits for a permit. */
  get isContended(): boolean {
    return this.#waiting.length > 0;
  }

  async acquire(): Promise<void> {
    if (this.#free > 0) {
      this.#free -= 1;
      return;
    }
    await new Promise<void>((resolve) => {
      this.#waiting.push(resolve);
    });
  }

  release(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#free += 1;
    else next();
  }

  /** Gives a permit away for as long as its holder waits for something else. */
  async releaseWhile<T>(wait: () => Promise<T>): Promise<T> {
    this.release();
    try {
      return await wait();
    } finally {
      await this.acquire();
    }
  }

  /**
   * Runs work of this thread, one after the other: two batches that took turns would both be ready
   * late, then both be in Postgres, and the thread would have nothing to do.
   */
  prepare<T>(work: () => Promise<T>): Promise<T> {
    const prepared = this.#preparing.then(work);
    this.#preparing = prepared.catch(() => {});
    return prepared;
  }
}
