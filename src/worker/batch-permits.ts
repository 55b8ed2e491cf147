/**
 * Bounds how many batches are under way, whatever the number of partitions, and with it memory and
 * connections. First come, first served, so that every partition gets its turn.
 */
export class BatchPermits {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(count: number) {
    this.#free = count;
  }

  /** Whether a partition waits for a permit. */
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

  /** Releases the caller's permit until `wait` has ended. */
  async releaseWhile<T>(wait: () => Promise<T>): Promise<T> {
    this.release();
    try {
      return await wait();
    } finally {
      await this.acquire();
    }
  }
}
