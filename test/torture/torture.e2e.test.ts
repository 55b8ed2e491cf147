import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Stack } from '../../tools/stack/stack.ts';
import { ownStack } from '../support/stack.ts';
import { CODECS } from './codecs.ts';
import type { FaultName } from './faults/faults.ts';
import { report } from './report.ts';
import { torture } from './torture.ts';

/** The quick ones: those that wait for a session or a JVM have tests of their own in test/faults. */
const FAULTS: readonly FaultName[] = [
  'kill at a step',
  'kill at a step of the drain',
  'Postgres stops at once',
  'Postgres stops at once',
  'Postgres does not answer',
  'connections to Postgres are cut',
  'connections to Postgres are cut',
  'connections to Postgres are cut',
  'a worker joins and leaves',
  'the group is set back',
  'something else answers for the registry',
  'the database has other settings',
  'a record has a time that no calendar has',
  'events have floods of attributes',
  'a topic is recreated and filled past the position',
];
const SEED = 20_261_124;

let stack: Stack;
beforeAll(async () => {
  stack = await ownStack();
});
afterAll(async () => {
  await stack.stop();
});

test('faults of every kind during a live stream lose nothing, bill nothing twice, and the books balance', async () => {
  const result = await torture({
    stack,
    cycles: FAULTS.length,
    seed: SEED,
    events: 6_000,
    workers: 2,
    faults: FAULTS,
    codecs: CODECS,
    oddSettings: true,
    pooled: undefined,
    progress: () => {},
  });

  const { comparison, breaks, kills, faults } = result;
  expect(comparison, report(result)).toMatchObject({ lost: 0, double: 0, differences: [] });
  expect(breaks).toEqual([]);
  expect(kills.size).toBeGreaterThan(0);
  expect([...faults.values()].reduce((sum, n) => sum + n)).toBe(FAULTS.length);
}, 300_000);
