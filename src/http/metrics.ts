import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { Compacted } from '../ledger/compact-sessions.ts';
import type { OutcomeCounts } from '../records/message.ts';
import type { TopicPartition } from '../records/topic-partition.ts';
import type { PartitionStatus } from '../worker/partition-status.ts';

const PREFIX = 'usage_ledger_';
const PARTITION = ['topic', 'partition'] as const;

/** The worker's metrics for Prometheus. Labels are topic, partition and outcome; no ids, no payloads. */
export class WorkerMetrics {
  readonly registry = new Registry();
  readonly #messages = new Counter({
    name: `${PREFIX}messages_total`,
    help: 'Messages booked, by outcome',
    labelNames: [...PARTITION, 'outcome'],
    registers: [this.registry],
  });
  readonly #otherAccounts = new Counter({
    name: `${PREFIX}other_account_total`,
    help: "Sessions in a batch whose account_id differs from the session's first",
    labelNames: [...PARTITION],
    registers: [this.registry],
  });
  readonly #unknownFields = new Counter({
    name: `${PREFIX}unknown_field_messages_total`,
    help: 'Billable messages whose metric has fields that this build does not know; they are logged',
    labelNames: [...PARTITION],
    registers: [this.registry],
  });
  readonly #batchSeconds = new Histogram({
    name: `${PREFIX}batch_seconds`,
    help: 'Duration of the transaction of a batch, in seconds',
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers: [this.registry],
  });

  readonly #compactedSessions = new Counter({
    name: `${PREFIX}compacted_sessions_total`,
    help: 'Merges of ledger pages, each of one session',
    registers: [this.registry],
  });
  readonly #compactedPages = new Counter({
    name: `${PREFIX}compacted_pages_total`,
    help: 'Merged ledger pages: before, those that were replaced; after, those that replaced them',
    labelNames: ['state'],
    registers: [this.registry],
  });
  readonly #compactionSeconds = new Histogram({
    name: `${PREFIX}compaction_seconds`,
    help: 'Duration of a transaction that merges ledger pages, in seconds',
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
    registers: [this.registry],
  });
  readonly #compactionFailures = new Counter({
    name: `${PREFIX}compaction_failures_total`,
    help: 'Attempts to merge ledger pages that failed; they are repeated',
    registers: [this.registry],
  });

  readonly #bookBreaks = new Gauge({
    name: `${PREFIX}book_breaks`,
    help: 'Places where the books do not balance, by check; updated once a minute',
    labelNames: ['check'],
    registers: [this.registry],
  });

  #booksCheckedAt = performance.now();

  /** @param status returns the assigned partitions; called at every scrape */
  constructor(status: () => readonly PartitionStatus[]) {
    collectDefaultMetrics({ register: this.registry, prefix: PREFIX });
    const ageSeconds = () => this.bookCheckAgeSeconds();
    new Gauge({
      name: `${PREFIX}book_check_age_seconds`,
      help: 'Seconds since the last check of the books; grows while they cannot be checked',
      registers: [this.registry],
      collect() {
        this.set(ageSeconds());
      },
    });
    this.#perPartition(
      'lag',
      'Offsets between the position and the end of the partition',
      status,
      (p) => p.lag,
    );
    this.#perPartition('position', 'Next offset to be booked', status, (p) => p.position);
    this.#perPartition(
      'halted',
      '1 if the partition is halted until a person decides',
      status,
      (p) => (p.state === 'halted' ? 1 : 0),
    );
  }

  applied(where: TopicPartition, counts: OutcomeCounts, otherAccounts: number, ms: number): void {
    const labels = { topic: where.topic, partition: String(where.partition) };
    for (const [outcome, count] of Object.entries(counts)) {
      if (count > 0) this.#messages.inc({ ...labels, outcome }, count);
    }
    if (otherAccounts > 0) this.#otherAccounts.inc(labels, otherAccounts);
    this.#batchSeconds.observe(ms / 1_000);
  }

  unknownFields({ topic, partition }: TopicPartition, messages: number): void {
    this.#unknownFields.inc({ topic, partition: String(partition) }, messages);
  }

  compacted({ sessions, pagesBefore, pagesAfter, ms }: Compacted): void {
    this.#compactionSeconds.observe(ms / 1_000);
    this.#compactedSessions.inc(sessions);
    this.#compactedPages.inc({ state: 'before' }, pagesBefore);
    this.#compactedPages.inc({ state: 'after' }, pagesAfter);
  }

  compactionFailed(): void {
    this.#compactionFailures.inc();
  }

  /** Records the result of a check of the books. */
  booksChecked(breaks: ReadonlyMap<string, number>): void {
    this.#booksCheckedAt = performance.now();
    for (const [check, count] of breaks) this.#bookBreaks.set({ check }, count);
  }

  /** Since the last completed check of the books; before the first, since the start. */
  bookCheckAgeSeconds(): number {
    return (performance.now() - this.#booksCheckedAt) / 1_000;
  }

  #perPartition(
    name: string,
    help: string,
    status: () => readonly PartitionStatus[],
    value: (partition: PartitionStatus) => number | undefined,
  ): void {
    new Gauge({
      name: PREFIX + name,
      help,
      labelNames: [...PARTITION],
      registers: [this.registry],
      collect() {
        this.reset();
        for (const partition of status()) {
          const current = value(partition);
          const labels = { topic: partition.topic, partition: String(partition.partition) };
          if (current !== undefined) this.set(labels, current);
        }
      },
    });
  }
}
