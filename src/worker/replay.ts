import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '../config/logger.ts';
import type { SchemaCache } from '../decode/avro/schema-cache.ts';
import { Ledger } from '../ledger/ledger.ts';
import { noOutcomes } from '../ledger/outcomes.ts';
import { beginReplay } from '../ledger/positions.ts';
import { LedgerPreview } from '../ledger/preview.ts';
import { previewPositions } from '../ledger/preview-positions.ts';
import type { Database } from '../postgres/database.ts';
import type { OutcomeCounts } from '../records/message.ts';
import { keyOf, type TopicPartition } from '../records/topic-partition.ts';
import type { PartitionSource } from '../source/partition-source.ts';
import type { PartitionStatus } from './partition-status.ts';
import { Worker } from './worker.ts';

const POLL_MS = 20;
const SESSION_MEMORY_BYTES = 64 * 1_048_576;
const STOP_TIMEOUT_MS = 30_000;

/** A range of a partition that is read again: from `from` to before `to`. */
export interface ReplayRange extends TopicPartition {
  readonly from: number;
  readonly to: number;
}

export interface ReplayOptions {
  readonly source: PartitionSource;
  readonly database: Database;
  readonly schemas: SchemaCache;
  readonly logger: Logger;
  /** A group of its own: the replay has its own positions and books. */
  readonly groupId: string;
  readonly ranges: readonly ReplayRange[];
  readonly maxEvents: number;
  readonly bufferBytes: number;
  /** Change nothing, and report what would change. */
  readonly dryRun: boolean;
  readonly signal: AbortSignal;
  /** Called after each batch with the messages so far, and those of all ranges. */
  readonly onProgress?: (done: number, total: number) => void;
}

export interface ReplayResult {
  readonly counts: ReadonlyMap<string, OutcomeCounts>;
  readonly halted: readonly PartitionStatus[];
}

/**
 * Reads ranges again through the same steps as everything else. Idempotent: what is in the ledger is
 * a duplicate. The group whose topics these are does not notice.
 */
export async function replay(options: ReplayOptions): Promise<ReplayResult> {
  const { source, database, schemas, logger, groupId, dryRun, signal } = options;
  const ranges = options.ranges.filter(({ from, to }) => from < to);
  const counts = new Map<string, OutcomeCounts>();
  if (ranges.length === 0) return { counts, halted: [] };
  for (const { topic, partition, from } of dryRun ? [] : ranges) {
    const topicId = await source.topicId(topic);
    await beginReplay(database, { groupId, topic, partition }, from, topicId);
  }
  const total = ranges.reduce((sum, { from, to }) => sum + to - from, 0);
  let done = 0;
  const worker = new Worker({
    groupId,
    topics: [...new Set(ranges.map(({ topic }) => topic))],
    source,
    database,
    schemas,
    logger,
    ledger: dryRun
      ? new LedgerPreview(database)
      : new Ledger(database, { cacheBytes: SESSION_MEMORY_BYTES, movesWatermark: false }),
    // A preview knows what earlier batches would have added only when they come one by one.
    concurrentBatches: dryRun ? 1 : 2,
    maxEvents: options.maxEvents,
    bufferBytes: options.bufferBytes,
    deadLetterLimit: 1,
    until: new Map(ranges.map((range) => [keyOf(range), range.to])),
    ...(dryRun && {
      previewFrom: await previewPositions(database, ranges),
    }),
    onApplied: (where, batch) => {
      const key = keyOf(where);
      const sum = counts.get(key) ?? noOutcomes();
      for (const outcome of Object.keys(batch) as (keyof OutcomeCounts)[]) {
        sum[outcome] += batch[outcome];
        done += batch[outcome];
      }
      counts.set(key, sum);
      options.onProgress?.(done, total);
    },
  });
  try {
    await worker.start();
    const halted = await Promise.race([ended(worker, ranges, signal), worker.failure]);
    return { counts, halted };
  } finally {
    await worker.stop(STOP_TIMEOUT_MS);
  }
}

/** Waits until every range is read to its end, or halted. */
async function ended(
  worker: Worker,
  ranges: readonly ReplayRange[],
  signal: AbortSignal,
): Promise<PartitionStatus[]> {
  while (!signal.aborted) {
    const status = new Map(worker.status().map((partition) => [keyOf(partition), partition]));
    const isDone = ranges.every((range) => {
      const now = status.get(keyOf(range));
      return now !== undefined && (now.state === 'halted' || (now.position ?? -1) >= range.to);
    });
    if (isDone) return [...status.values()].filter(({ state }) => state === 'halted');
    await delay(POLL_MS, undefined, { signal }).catch(() => {});
  }
  return [];
}
