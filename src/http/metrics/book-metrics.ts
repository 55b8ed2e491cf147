import type { Registry } from 'prom-client';
import { gauge } from './declare.ts';

/** What awaits a decision. */
export interface OpenDecisions {
  readonly conflicts: number;
  readonly deadLetters: number;
}

/** What the worker's check of the books found, and when. */
export class BookMetrics {
  readonly #breaks;
  readonly #balanced;
  readonly #conflicts;
  readonly #deadLetters;
  #isChecked = false;
  #checkedAt = performance.now();

  constructor(registry: Registry) {
    this.#breaks = gauge(registry, 'book_breaks');
    this.#balanced = gauge(registry, 'books_balanced', (balanced) => {
      // Not 0: nobody has looked yet.
      if (!this.#isChecked) balanced.remove();
    });
    this.#conflicts = gauge(registry, 'open_conflicts');
    this.#deadLetters = gauge(registry, 'open_dead_letters');
    gauge(registry, 'book_check_age_seconds', (age) => age.set(this.ageSeconds));
  }

  /** @param breaks how many there are, by check */
  checked(breaks: ReadonlyMap<string, number>, open: OpenDecisions): void {
    this.#isChecked = true;
    this.#checkedAt = performance.now();
    let sum = 0;
    for (const [check, count] of breaks) {
      this.#breaks.set({ check }, count);
      sum += count;
    }
    this.#balanced.set(sum === 0 ? 1 : 0);
    this.#conflicts.set(open.conflicts);
    this.#deadLetters.set(open.deadLetters);
  }

  /** Since the last completed check of the books; before the first, since the start. */
  get ageSeconds(): number {
    return (performance.now() - this.#checkedAt) / 1_000;
  }
}
