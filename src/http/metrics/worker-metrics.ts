import { collectDefaultMetrics, Registry } from 'prom-client';
import { KAFKA_ERROR_CLASSES, type KafkaErrorClass } from '../../kafka/error-class.ts';
import type { CommittedBatch } from '../../ledger/committed-batch.ts';
import { noOutcomes } from '../../ledger/outcomes.ts';
import { POSTGRES_ERROR_CLASSES, type PostgresErrorClass } from '../../postgres/error-class.ts';
import { DEAD_LETTER_REASONS, type OutcomeCounts } from '../../records/message.ts';
import type { TopicPartition } from '../../records/topic-partition.ts';
import { REGISTRY_ERROR_CLASSES, type RegistryErrorClass } from '../../registry/error-class.ts';
import type { PartitionStatus } from '../../worker/partition-status.ts';
import { BookMetrics } from './book-metrics.ts';
import { CallMetrics } from './call-metrics.ts';
import { CompactionMetrics } from './compaction-metrics.ts';
import { counter, histogram } from './declare.ts';
import { PREFIX } from './metric-spec.ts';
import { registerProgress } from './progress-metrics.ts';

/** An error of what the worker depends on. */
export type DependencyError =
  | { readonly dependency: 'postgres'; readonly class: PostgresErrorClass }
  | { readonly dependency: 'registry'; readonly class: RegistryErrorClass }
  | { readonly dependency: 'kafka'; readonly class: KafkaErrorClass };

const ERROR_CLASSES: Readonly<Record<DependencyError['dependency'], readonly string[]>> = {
  postgres: POSTGRES_ERROR_CLASSES,
  registry: REGISTRY_ERROR_CLASSES,
  kafka: KAFKA_ERROR_CLASSES,
};

/** The worker's metrics for Prometheus, as `METRIC_GROUPS` lists them. No ids, no payloads. */
export class WorkerMetrics {
  readonly registry = new Registry();
  readonly books = new BookMetrics(this.registry);
  readonly compaction = new CompactionMetrics(this.registry);
  readonly #calls = new CallMetrics(this.registry);
  readonly #messages = counter(this.registry, 'messages_total');
  readonly #deadLetters = counter(this.registry, 'dead_letters_total');
  readonly #otherAccounts = counter(this.registry, 'other_account_total');
  readonly #unknownFields = counter(this.registry, 'unknown_field_messages_total');
  readonly #assignments = counter(this.registry, 'assignments_total');
  readonly #errors = counter(this.registry, 'dependency_errors_total');
  readonly #batchSeconds = histogram(this.registry, 'batch_seconds');
  readonly #batchMessages = histogram(this.registry, 'batch_messages');
  readonly #stepSeconds = histogram(this.registry, 'batch_step_seconds');
  readonly #prepareSeconds = histogram(this.registry, 'batch_prepare_seconds');

  /** @param status returns the assigned partitions; called at every scrape */
  constructor(status: () => readonly PartitionStatus[]) {
    collectDefaultMetrics({ register: this.registry, prefix: PREFIX });
    registerProgress(this.registry, status);
    // A counter that appears with its first increment shows no increase.
    for (const [dependency, classes] of Object.entries(ERROR_CLASSES)) {
      for (const name of classes) this.#errors.inc({ dependency, class: name }, 0);
    }
  }

  assigned(partitions: readonly TopicPartition[]): void {
    this.#assignments.inc();
    for (const where of partitions) {
      this.#countMessages(where, noOutcomes());
      this.#unknownFields.inc(labelsOf(where), 0);
      this.#otherAccounts.inc(labelsOf(where), 0);
      for (const reason of DEAD_LETTER_REASONS)
        this.#deadLetters.inc({ ...labelsOf(where), reason }, 0);
    }
  }

  applied(where: TopicPartition, counts: OutcomeCounts, otherAccounts: number, ms: number): void {
    this.#countMessages(where, counts);
    if (otherAccounts > 0) this.#otherAccounts.inc(labelsOf(where), otherAccounts);
    this.#batchSeconds.observe(ms / 1_000);
  }

  committed(committed: CommittedBatch): void {
    const { batch, deadLetters, stepMs } = committed;
    this.#batchMessages.observe(batch.messages.length);
    for (const [step, ms] of stepMs) this.#stepSeconds.observe({ step }, ms / 1_000);
    for (const { reason } of deadLetters) this.#deadLetters.inc({ ...labelsOf(batch), reason });
    this.#calls.committed(committed);
  }

  prepared(ms: number): void {
    this.#prepareSeconds.observe(ms / 1_000);
  }

  failed(error: DependencyError): void {
    this.#errors.inc({ ...error });
  }

  unknownFields(where: TopicPartition, messages: number): void {
    this.#unknownFields.inc(labelsOf(where), messages);
  }

  #countMessages(where: TopicPartition, counts: OutcomeCounts): void {
    const labels = labelsOf(where);
    for (const [outcome, count] of Object.entries(counts)) {
      this.#messages.inc({ ...labels, outcome }, count);
    }
  }
}

function labelsOf({ topic, partition }: TopicPartition): { topic: string; partition: string } {
  return { topic, partition: String(partition) };
}
