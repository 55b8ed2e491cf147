import { expect, test } from 'vitest';
import { type ReadinessProbes, readinessProblems } from '../../src/http/readiness.ts';
import type { PartitionStatus } from '../../src/worker/partition-status.ts';

const NOW = 1_000_000;

const probes = (changed: Partial<ReadinessProbes> = {}): ReadinessProbes => ({
  isAssigned: () => true,
  status: () => [],
  assignments: () => 1,
  missingTopics: () => [],
  database: async () => undefined,
  registry: async () => undefined,
  ...changed,
});

const partition = (changed: Partial<PartitionStatus>): PartitionStatus => ({
  topic: 'calls',
  partition: 3,
  state: 'running',
  position: 7,
  lag: 5,
  advancedAt: NOW,
  starts: 1,
  detail: undefined,
  ...changed,
});

test('a worker without a problem is ready', async () => {
  expect(await readinessProblems(probes({ status: () => [partition({})] }), NOW)).toEqual([]);
});

test('a partition with lag that has not advanced for a minute is named, with its number of starts', async () => {
  const advancedAt = NOW - 61_000;
  const status = () => [
    partition({ advancedAt }),
    partition({ advancedAt, partition: 4, state: 'starting', lag: 0, starts: 40 }),
    partition({ advancedAt, partition: 5, lag: 0 }),
  ];
  expect(await readinessProblems(probes({ status }), NOW)).toEqual([
    'calls/3 has not advanced for 61 s, lag 5',
    'calls/4 has not advanced for 61 s and was started 40 times, lag 0',
  ]);
});

test('repeated assignments are reported', async () => {
  expect(await readinessProblems(probes({ assignments: () => 10 }), NOW)).toEqual([]);
  expect(await readinessProblems(probes({ assignments: () => 11 }), NOW)).toEqual([
    'the group assigned partitions 11 times within the last minute',
  ]);
});

test('missing topics are named', async () => {
  const missingTopics = () => [{ topic: 'calls', why: 'the brokers have no such topic' }];
  expect(await readinessProblems(probes({ missingTopics }), NOW)).toEqual([
    'topic calls is not read: the brokers have no such topic',
  ]);
});
