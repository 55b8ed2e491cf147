import type { SchemaRegistry } from '@kafkajs/confluent-schema-registry';
import type { Kafka } from 'kafkajs';
import type { Logger } from '../config/logger.ts';
import { MEMORY_BUDGET } from '../config/memory-budget.ts';
import type { Settings } from '../config/settings.ts';
import { type FetchSchema, SchemaCache } from '../decode/avro/schema-cache.ts';
import { messageOf } from '../errors.ts';
import { WorkerMetrics } from '../http/metrics/worker-metrics.ts';
import { type HttpServer, serveHttp } from '../http/server.ts';
import type { KafkaErrorClass } from '../kafka/error-class.ts';
import { isTransientInKafka } from '../kafka/errors.ts';
import type { CompactionStep } from '../ledger/compact-sessions.ts';
import { type BatchStep, Ledger, type LedgerOptions } from '../ledger/ledger.ts';
import { prepareChangeIds } from '../migrate/change-ids.ts';
import { prepareMonths } from '../migrate/months.ts';
import type { Database } from '../postgres/database.ts';
import { postgresErrorClass } from '../postgres/error-class.ts';
import { isTransient } from '../postgres/errors.ts';
import { DeadLetterOutbox } from '../produce/dead-letter-outbox.ts';
import { DeadLetterTopic } from '../produce/dead-letter-topic.ts';
import type { OutcomeCounts } from '../records/message.ts';
import { registryErrorClass } from '../registry/error-class.ts';
import { schemaFetcher } from '../registry/schema-fetcher.ts';
import { loadLatest } from '../registry/schema-registry.ts';
import { pingRegistry } from '../registry/subjects.ts';
import { KafkaSource } from '../source/kafka/kafka-source.ts';
import type { PartitionSource } from '../source/partition-source.ts';
import { backOff, retry } from '../worker/backoff.ts';
import { caughtUp, type Progress, readTargets, type Target } from '../worker/caught-up.ts';
import { Compactor } from '../worker/compactor.ts';
import type { PartitionStatus } from '../worker/partition-status.ts';
import { UnknownFields } from '../worker/unknown-fields.ts';
import { Worker } from '../worker/worker.ts';
import { startSelfCheck } from './self-check.ts';
import { unlessStopped } from './shutdown.ts';

/** Partitions of coming months are created long before they are needed. */
const PARTITIONS_EVERY_MS = 24 * 3_600_000;
/** How long a stopping worker continues to copy dead letters; other workers copy the rest. */
const LAST_COPIES_MS = 10_000;

export interface RunOptions {
  readonly settings: Settings;
  readonly logger: Logger;
  readonly kafka: Kafka;
  readonly registry: SchemaRegistry;
  readonly database: Database;
  readonly untilCaughtUp: boolean;
  /** Aborted to drain and stop. */
  readonly signal: AbortSignal;
  readonly onProgress?: (progress: Progress) => void;
  /** Receives the address of the HTTP server. */
  readonly onHttp?: (address: string) => void;
  /** Replaces Kafka as the source of records; for tests. */
  readonly source?: PartitionSource;
  /** Called after each step of a batch; for tests. */
  readonly onStep?: (step: BatchStep) => void | Promise<void>;
  /** The same of a compaction. */
  readonly onCompactionStep?: (step: CompactionStep) => void | Promise<void>;
}

export interface RunResult {
  /** Outcomes of the messages that this run booked. */
  readonly counts: OutcomeCounts;
  /** Partitions that need a person's decision; only with `untilCaughtUp`. */
  readonly halted: readonly PartitionStatus[];
}

/**
 * Runs a worker from joining the group to leaving it: until the signal or, with `untilCaughtUp`,
 * until every partition has reached the end that it had at the start.
 *
 * @throws what ended the worker, when that was neither
 */
export async function runWorker(options: RunOptions): Promise<RunResult> {
  const { settings, logger, kafka, registry, database, signal } = options;
  const { KAFKA_GROUP_ID: groupId, KAFKA_TOPICS: topics } = settings;
  const counts: OutcomeCounts = {
    applied: 0,
    duplicate: 0,
    ignored: 0,
    conflict: 0,
    dead_letter: 0,
  };
  const metrics = new WorkerMetrics(() => worker.status());
  const onError = (error: KafkaErrorClass) => metrics.failed({ dependency: 'kafka', class: error });
  const source =
    options.source ?? new KafkaSource({ kafka, settings, groupId, topics, logger, onError });
  database.onError = (error) => {
    const found = postgresErrorClass(error);
    if (found !== undefined) metrics.failed({ dependency: 'postgres', class: found });
  };
  const outbox = outboxOf(options);
  const schemas = new SchemaCache(registering(schemaFetcher(settings), source, metrics));
  for (const topic of topics) {
    loadLatest(registry, topic, schemas).catch((error: unknown) => {
      // The first message loads it, and waits for the registry.
      logger.debug(
        { topic, error: messageOf(error) },
        'the latest schema was not loaded; loading schemas as messages need them',
      );
    });
  }
  const worker: Worker = new Worker({
    groupId,
    topics,
    source,
    database,
    logger,
    ledger: new Ledger(database, {
      ...ledgerOptions(options),
      onCommitted: (committed) => metrics.committed(committed),
    }),
    schemas,
    concurrentBatches: settings.DATABASE_POOL_SIZE,
    maxEvents: settings.BATCH_MAX_EVENTS,
    // Whoever waits for the end of a run need not wait for the linger, too.
    lingerMs: options.untilCaughtUp ? 0 : settings.BATCH_LINGER_MS,
    bufferBytes: settings.BUFFER_MAX_BYTES,
    deadLetterLimit: settings.DEAD_LETTER_LIMIT,
    unknownFields: new UnknownFields(logger, (where, messages) =>
      metrics.unknownFields(where, messages),
    ),
    onAssigned: (partitions) => metrics.assigned(partitions),
    onPrepared: (ms) => metrics.prepared(ms),
    onApplied: (where, batch, otherAccounts, ms) => {
      metrics.applied(where, batch, otherAccounts, ms);
      if (batch.dead_letter > 0) outbox?.wake();
      for (const outcome of Object.keys(counts) as (keyof OutcomeCounts)[]) {
        counts[outcome] += batch[outcome];
      }
      if (otherAccounts > 0) {
        const { topic, partition } = where;
        logger.warn(
          { topic, partition, otherAccounts },
          "account_id differs from the session's first; keeping the first",
        );
      }
    },
  });
  const http = await startHttp(settings, logger, metrics, worker, database);
  if (http !== undefined) options.onHttp?.(http.address);
  const stopSelfCheck = startSelfCheck(database, logger, metrics.books);
  const compactor = compactorOf(options, metrics);
  const months = setInterval(() => preparePartitions(database, logger), PARTITIONS_EVERY_MS);
  try {
    outbox?.start();
    compactor?.start();
    // The signal is handled at once, even during a wait for brokers or other members.
    const ended = unlessStopped(signal, workToTheEnd(options, source, worker));
    const halted = await Promise.race([ended, worker.failure]);
    logger.info('draining');
    return { counts, halted: halted ?? [] };
  } finally {
    clearInterval(months);
    stopSelfCheck();
    const compacted = compactor?.stop();
    await worker.stop(settings.SHUTDOWN_TIMEOUT_S * 1_000);
    await compacted;
    await http?.close();
    await outbox?.stop(LAST_COPIES_MS);
  }
}

/** Resolves with the halted partitions once all are caught up; never, without `untilCaughtUp`. */
async function workToTheEnd(
  options: RunOptions,
  source: PartitionSource,
  worker: Worker,
): Promise<readonly PartitionStatus[]> {
  const { settings, logger, database, signal, onProgress } = options;
  const [targets] = await Promise.all([
    options.untilCaughtUp ? targetsOf(options, source) : undefined,
    preparePartitions(database, logger),
    // Before anything is written: its changes would appear below what readers have seen.
    retry(() => prepareChangeIds(database), { signal, mayRetry: isTransient }),
  ]);
  if (signal.aborted) return [];
  await worker.start();
  if (targets === undefined) return new Promise(() => {});
  const { KAFKA_GROUP_ID: groupId } = settings;
  const halted = await caughtUp(worker, database, groupId, targets, signal, onProgress);
  // A run that ends at once would not come to it by itself.
  await worker.advanceWatermarks();
  return halted;
}

/**
 * The current end of every partition. Retries transient errors: a broker that has just started may
 * still be loading its groups.
 */
async function targetsOf(options: RunOptions, source: PartitionSource): Promise<Target[]> {
  const { settings, database, logger, signal } = options;
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await readTargets(source, database, settings.KAFKA_GROUP_ID, settings.KAFKA_TOPICS);
    } catch (error) {
      if (signal.aborted) return [];
      if (!isTransient(error) && !isTransientInKafka(error)) throw error;
      logger.warn(
        { attempt, error: messageOf(error) },
        'looking up the ends of the partitions failed; retrying',
      );
      await backOff(attempt, signal).catch(() => {});
    }
  }
}

function ledgerOptions({ settings, onStep }: RunOptions): LedgerOptions {
  return {
    cacheBytes: MEMORY_BUDGET.sessionCache,
    copiesDeadLetters: settings.KAFKA_DEAD_LETTER_TOPIC !== undefined,
    ...(onStep && { onStep }),
  };
}

function outboxOf({ settings, kafka, database, logger }: RunOptions): DeadLetterOutbox | undefined {
  const name = settings.KAFKA_DEAD_LETTER_TOPIC;
  if (name === undefined) return undefined;
  return new DeadLetterOutbox({ database, logger, topic: new DeadLetterTopic(kafka, name) });
}

function compactorOf(options: RunOptions, metrics: WorkerMetrics): Compactor | undefined {
  const { settings, database, logger, onCompactionStep: onStep } = options;
  if (settings.COMPACT_AFTER_S === 'off') return undefined;
  return new Compactor({
    database,
    logger,
    quietS: settings.COMPACT_AFTER_S,
    maxPagesPerS: settings.COMPACT_MAX_PAGES_PER_S,
    onCompacted: (compacted) => metrics.compaction.compacted(compacted),
    onFailure: () => metrics.compaction.failed(),
    ...(onStep && { onStep }),
  });
}

async function startHttp(
  settings: Settings,
  logger: Logger,
  metrics: WorkerMetrics,
  worker: Worker,
  database: Database,
): Promise<HttpServer | undefined> {
  const port = settings.HTTP_PORT;
  if (port === 'off') return undefined;
  const http = await serveHttp(settings.HTTP_HOST, port, metrics, {
    isAssigned: () => worker.isAssigned,
    status: () => worker.status(),
    assignments: () => worker.assignments,
    missingTopics: () => worker.missingTopics,
    database: () => database.query('SELECT 1'),
    registry: () => pingRegistry(settings),
  });
  logger.info({ address: http.address }, 'serving /healthz, /readyz and /metrics');
  return http;
}

async function preparePartitions(database: Database, logger: Logger): Promise<void> {
  try {
    for (const warning of await prepareMonths(database)) {
      logger.warn({ warning }, 'a monthly partition of the ledger was not created');
    }
  } catch (error) {
    // Not fatal: the default partition takes rows of a month without a partition.
    logger.warn(
      { error: messageOf(error) },
      'creating monthly partitions of the ledger failed; retrying in a day',
    );
  }
}

/** Registers each schema that is found with the source, which decodes ahead with it. */
function registering(
  fetch: FetchSchema,
  source: PartitionSource,
  metrics: WorkerMetrics,
): FetchSchema {
  return async (id) => {
    const answer = await fetch(id).catch((error: unknown) => {
      metrics.failed({ dependency: 'registry', class: registryErrorClass(error) });
      throw error;
    });
    if (answer.found) source.registerSchema(id, answer.schema);
    return answer;
  };
}
