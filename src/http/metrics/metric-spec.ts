/** All names begin with it. */
export const PREFIX = 'usage_ledger_';

/** A metric: what the code declares it with, and what docs/metrics.md says of it. */
export interface MetricSpec {
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  readonly labels: readonly string[];
  /** Upper bounds of a histogram. */
  readonly buckets?: readonly number[];
}

/** Metrics by name, without the prefix. */
export type MetricList = Readonly<Record<string, MetricSpec>>;
