const MIB = 1_048_576;

/**
 * The memory of a worker that is bounded by counting bytes, by part. The parts add up to
 * MEMORY_BUDGET_BYTES; what they hold is counted with what it takes around its bytes, by estimate.
 *
 * Not in it, and what makes the rest of the 300 MB that docs/performance.md promises: code, V8's heap
 * with the messages of the batches under way, the statements' parameters, and one fetch response per
 * broker as it came.
 */
export const MEMORY_BUDGET = {
  /** Sent by the receiver thread, and not yet accepted by the worker. */
  aheadOfWorker: 3 * MIB,
  /**
   * One response of a broker, decompressed; what remains of it is fetched again. A single record
   * batch may exceed it, up to its own limit (source/kafka/record-batch.ts): it is read whole.
   */
  decompressedResponse: 16 * MIB,
  /** Fetched and not yet applied, over all partitions: the default of BUFFER_MAX_BYTES. */
  buffered: 28 * MIB,
  /** What is known of live sessions: about half a million events of them. */
  sessionCache: 20 * MIB,
  /** Names of metric types, providers and models: some thousands. */
  sourceNames: 2 * MIB,
} as const;

/** The sum of the parts. */
export const MEMORY_BUDGET_BYTES = Object.values(MEMORY_BUDGET).reduce(
  (sum, part) => sum + part,
  0,
);

/**
 * Most bytes of one transaction, so that a batch of large dead letters stays small in memory. Batches
 * are part of `buffered`: with the default, two partitions can each have one in Postgres and one
 * prepared.
 */
export const MAX_BATCH_BYTES = 6 * MIB;
