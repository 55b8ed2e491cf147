import type { Registry } from 'prom-client';
import type { Compacted } from '../../ledger/compact-sessions.ts';
import { counter, histogram } from './declare.ts';

/** What the merging of ledger pages in the background does. */
export class CompactionMetrics {
  readonly #sessions;
  readonly #pages;
  readonly #seconds;
  readonly #failures;

  constructor(registry: Registry) {
    this.#sessions = counter(registry, 'compacted_sessions_total');
    this.#pages = counter(registry, 'compacted_pages_total');
    this.#seconds = histogram(registry, 'compaction_seconds');
    this.#failures = counter(registry, 'compaction_failures_total');
  }

  compacted({ sessions, pagesBefore, pagesAfter, ms }: Compacted): void {
    this.#seconds.observe(ms / 1_000);
    this.#sessions.inc(sessions);
    this.#pages.inc({ state: 'before' }, pagesBefore);
    this.#pages.inc({ state: 'after' }, pagesAfter);
  }

  failed(): void {
    this.#failures.inc();
  }
}
