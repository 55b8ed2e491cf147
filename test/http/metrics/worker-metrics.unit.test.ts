import { expect, test } from 'vitest';
import { METRIC_GROUPS } from '../../../src/http/metrics/metric-list.ts';
import { type MetricSpec, PREFIX } from '../../../src/http/metrics/metric-spec.ts';
import { WorkerMetrics } from '../../../src/http/metrics/worker-metrics.ts';
import { DEAD_LETTER_REASONS } from '../../../src/records/message.ts';
import type { PartitionStatus } from '../../../src/worker/partition-status.ts';

const LISTED: Readonly<Record<string, MetricSpec>> = Object.assign(
  {},
  ...Object.values(METRIC_GROUPS),
);
const where = { topic: 'calls', partition: 3 };
const partition = (fields: Partial<PartitionStatus>): PartitionStatus => ({
  ...where,
  state: 'running',
  position: 7,
  lag: 5,
  advancedAt: Date.now(),
  starts: 1,
  detail: undefined,
  ...fields,
});

const lines = async (metrics: WorkerMetrics, name: string) =>
  (await metrics.registry.getSingleMetricAsString(PREFIX + name))
    .split('\n')
    .filter((line) => !line.startsWith('#'));

test.runIf(process.platform === 'linux')(
  'a worker exports the metrics of the list, with their types, and no others',
  async () => {
    const metrics = new WorkerMetrics(() => []);
    const exported = (await metrics.registry.getMetricsAsJSON()).map(({ name, type }) => [
      name,
      type,
    ]);
    const listed = Object.entries(LISTED).map(([name, { type }]) => [PREFIX + name, type]);
    expect(exported.sort()).toEqual(listed.sort());
  },
);

test('labels and help are those of the list', async () => {
  const metrics = new WorkerMetrics(() => [partition({})]);
  metrics.assigned([where]);
  for (const { name, help, values } of await metrics.registry.getMetricsAsJSON()) {
    const spec = LISTED[name.slice(PREFIX.length)];
    // prom-client ends its texts with a full stop.
    expect(help.replace(/\.$/, '')).toBe(spec?.help);
    for (const { labels } of values) {
      for (const label of Object.keys(labels))
        expect(['le', ...(spec?.labels ?? [])]).toContain(label);
    }
  }
});

test('every outcome of an assigned partition is 0 before its first message', async () => {
  const metrics = new WorkerMetrics(() => []);
  metrics.assigned([where]);
  expect(await lines(metrics, 'messages_total')).toContain(
    'usage_ledger_messages_total{topic="calls",partition="3",outcome="dead_letter"} 0',
  );
  expect(await lines(metrics, 'assignments_total')).toEqual(['usage_ledger_assignments_total 1']);
});

test('every reason for dead letters is 0 before the first one', async () => {
  const metrics = new WorkerMetrics(() => []);
  metrics.assigned([where]);
  expect(await lines(metrics, 'dead_letters_total')).toEqual(
    DEAD_LETTER_REASONS.map(
      (reason) =>
        `usage_ledger_dead_letters_total{topic="calls",partition="3",reason="${reason}"} 0`,
    ),
  );
});

test('lag in seconds is the age of the first record that waits', async () => {
  const status = [
    partition({ waitingSince: Date.now() - 90_000 }),
    partition({ partition: 4, lag: 0, advancedAt: Date.now() - 500_000 }),
    partition({ partition: 5, advancedAt: Date.now() - 40_000 }),
  ];
  const metrics = new WorkerMetrics(() => status);
  const seconds = (await lines(metrics, 'lag_seconds')).map((line) => Number(line.split(' ')[1]));
  expect(seconds.map(Math.round)).toEqual([90, 0, 40]);
});

test('books that were not checked are neither balanced nor not', async () => {
  const metrics = new WorkerMetrics(() => []);
  expect(await lines(metrics, 'books_balanced')).toEqual([]);
  const open = { conflicts: 2, deadLetters: 0 };
  metrics.books.checked(new Map([['ranges_touch', 0]]), open);
  expect(await lines(metrics, 'books_balanced')).toEqual(['usage_ledger_books_balanced 1']);
  metrics.books.checked(new Map([['ranges_touch', 1]]), open);
  expect(await lines(metrics, 'books_balanced')).toEqual(['usage_ledger_books_balanced 0']);
  expect(await lines(metrics, 'open_conflicts')).toEqual(['usage_ledger_open_conflicts 2']);
});
