import type { Logger } from '../config/logger.ts';
import type { SchemaCache } from '../decode/avro/schema-cache.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { StoredPosition } from '../ledger/position.ts';
import type { Database } from '../postgres/database.ts';
import type { OutcomeCounts } from '../records/message.ts';
import type { TopicPartition } from '../records/topic-partition.ts';
import type { PartitionSource } from '../source/partition-source.ts';
import type { BatchPermits } from './batch-permits.ts';
import type { CommitQueue } from './commit-queue.ts';
import type { Mutex } from './mutex.ts';
import type { SharedTransactions } from './shared-transactions.ts';
import type { StallClock } from './stall-clock.ts';
import type { UnknownFields } from './unknown-fields.ts';

export interface WorkerOptions {
  readonly groupId: string;
  readonly topics: readonly string[];
  readonly source: PartitionSource;
  readonly database: Database;
  readonly ledger: Pick<Ledger, 'apply' | 'forget'> & Partial<Pick<Ledger, 'applyTogether'>>;
  readonly schemas: SchemaCache;
  readonly logger: Logger;
  /** Batches that are under way at the same time. */
  readonly concurrentBatches: number;
  readonly maxEvents: number;
  /** How long few records wait for more, to share a transaction; by default they do not wait. */
  readonly lingerMs?: number;
  /** Bytes fetched and not yet applied, over all partitions. */
  readonly bufferBytes: number;
  readonly deadLetterLimit: number;
  /** Reads only these partitions, each up to this offset, exclusive; by default all, without end. */
  readonly until?: ReadonlyMap<string, number>;
  /** Where to begin, instead of the positions in the database; nothing is written there then. */
  readonly previewFrom?: ReadonlyMap<string, StoredPosition>;
  readonly unknownFields?: UnknownFields;
  /** The group assigned these partitions. */
  readonly onAssigned?: (partitions: readonly TopicPartition[]) => void;
  /** A batch was prepared, which took `ms`. */
  readonly onPrepared?: (ms: number) => void;
  readonly onApplied?: (
    where: TopicPartition,
    counts: OutcomeCounts,
    otherAccounts: number,
    ms: number,
  ) => void;
}

/** What the assignments of a worker, and their loops, share. */
export interface WorkerContext extends WorkerOptions {
  readonly permits: BatchPermits;
  /** `undefined`: few records do not wait for more. */
  readonly shared: SharedTransactions | undefined;
  /**
   * Held while messages are made: two batches that took turns on the thread would both be ready late,
   * then both be in Postgres, and the thread would be idle.
   */
  readonly preparation: Mutex;
  readonly commits: CommitQueue;
  readonly clock: StallClock;
  /** When the worker was made, by `performance.now()`. */
  readonly workerSince: number;
  /** A bug, or an error that no retry can resolve: the process must end. */
  readonly onFailure: (error: unknown) => void;
}
