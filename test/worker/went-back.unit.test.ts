import { expect, test } from 'vitest';
import { wentBack } from '../../src/worker/went-back.ts';

const where = { topic: 'agent-metrics', partition: 0 };
const committed = { nextOffset: 20, pass: 1 };

test.each([
  { nextOffset: 20, pass: 1 },
  { nextOffset: 21, pass: 1 },
  // Another pass was begun: `position set`, or the group was set back.
  { nextOffset: 3, pass: 2 },
])('a position that did not go back: %j', (now) => {
  expect(wentBack(where, committed, now)).toBeUndefined();
});

test('a position that the database lost says from where to where', () => {
  expect(wentBack(where, committed, { nextOffset: 10, pass: 1 })).toBe(
    'agent-metrics/0: the position in Postgres went back from 20 to 10: the database was restored ' +
      'to an earlier moment; reading again from 10',
  );
  expect(wentBack(where, committed, { nextOffset: 30, pass: 0 })).toContain('(pass 1 to 0)');
  expect(wentBack(where, committed, undefined)).toContain(
    'the position 20 is no longer in Postgres',
  );
});
