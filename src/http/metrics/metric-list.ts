import { CALL_METRICS } from './call-metric-list.ts';
import {
  BATCH_METRICS,
  BOOK_METRICS,
  COMPACTION_METRICS,
  DEPENDENCY_METRICS,
  OUTCOME_METRICS,
  PROGRESS_METRICS,
} from './ledger-metrics.ts';
import { PROCESS_METRICS } from './process-metric-list.ts';

/**
 * The metrics of a worker by subject, in the order of docs/metrics.md, which is generated from here.
 * Names, labels and meanings are relied on by dashboards and alerts: add, never rename.
 */
export const METRIC_GROUPS = {
  Messages: OUTCOME_METRICS,
  Progress: PROGRESS_METRICS,
  Batches: BATCH_METRICS,
  Dependencies: DEPENDENCY_METRICS,
  Books: BOOK_METRICS,
  Compaction: COMPACTION_METRICS,
  Calls: CALL_METRICS,
  Process: PROCESS_METRICS,
} as const;

/** Those that this program measures itself, by name without the prefix. */
export const METRICS = {
  ...OUTCOME_METRICS,
  ...PROGRESS_METRICS,
  ...BATCH_METRICS,
  ...DEPENDENCY_METRICS,
  ...BOOK_METRICS,
  ...COMPACTION_METRICS,
  ...CALL_METRICS,
} as const;

type Metrics = typeof METRICS;
export type NameOf<T extends Metrics[keyof Metrics]['type']> = {
  [N in keyof Metrics]: Metrics[N]['type'] extends T ? N : never;
}[keyof Metrics];
export type LabelOf<N extends keyof Metrics> = Metrics[N]['labels'][number];
