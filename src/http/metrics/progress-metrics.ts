import type { Registry } from 'prom-client';
import type { PartitionStatus } from '../../worker/partition-status.ts';
import { gauge } from './declare.ts';

/**
 * Registers the gauges of the assigned partitions, which are set at every scrape.
 *
 * @param status returns those partitions
 */
export function registerProgress(
  registry: Registry,
  status: () => readonly PartitionStatus[],
): void {
  gauge(registry, 'assigned_partitions', (assigned) => assigned.set(status().length));
  perPartition(registry, 'lag', status, ({ lag }) => lag);
  perPartition(registry, 'lag_seconds', status, lagSeconds);
  perPartition(registry, 'position', status, ({ position }) => position);
  perPartition(registry, 'halted', status, ({ state }) => (state === 'halted' ? 1 : 0));
  perPartition(registry, 'dead_letter_share', status, ({ deadLetterShare }) => deadLetterShare);
}

/** @returns `undefined`: the partition has none */
type ReadValue = (partition: PartitionStatus) => number | undefined;

function perPartition(
  registry: Registry,
  name: 'lag' | 'lag_seconds' | 'position' | 'halted' | 'dead_letter_share',
  status: () => readonly PartitionStatus[],
  read: ReadValue,
): void {
  gauge(registry, name, (shown) => {
    shown.reset();
    for (const partition of status()) {
      const value = read(partition);
      const labels = { topic: partition.topic, partition: String(partition.partition) };
      if (value !== undefined) shown.set(labels, value);
    }
  });
}

function lagSeconds({ state, lag, waitingSince, advancedAt }: PartitionStatus): number {
  if (lag === 0 && waitingSince === undefined && state !== 'starting') return 0;
  return Math.max(Date.now() - (waitingSince ?? advancedAt), 0) / 1_000;
}
