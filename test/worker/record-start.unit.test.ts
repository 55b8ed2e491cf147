import { expect, test } from 'vitest';
import { createLogger } from '../../src/config/logger.ts';
import { endHaltByRestart } from '../../src/worker/record-start.ts';
import { fakeDatabase } from '../support/fake-database.ts';

const position = { nextOffset: 10, pass: 0, generation: 0, topicId: 'a', judgedFrom: 0 };
const halt = { kind: 'dead_letter_limit', cause: 'too many', ageMs: 5_000 } as const;

test.each([
  ['a restart ends a halt by the limit, and every message from there on counts', 1_000, 10],
  ['a rebalance does not end a halt', 9_000, undefined],
])('%s', async (_, runningMs, judgedFrom) => {
  const { database } = fakeDatabase({ end_limit_halt: () => [{ pass: 0 }] });
  const options = { database, groupId: 'group', logger: createLogger('fatal'), runningMs };
  const where = { topic: 'calls', partition: 0 };
  expect(await endHaltByRestart(options, where, { ...position, halt })).toBe(judgedFrom);
});
