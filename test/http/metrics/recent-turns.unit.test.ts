import { expect, test } from 'vitest';
import { RecentTurns } from '../../../src/http/metrics/recent-turns.ts';

test('a turn is new once, as long as it is among the last', () => {
  const turns = new RecentTurns(2);
  const isNew = (eventUs: number) => turns.isNew({ sessionId: 'call', eventUs });
  expect([1, 1, 2, 3, 1, 4].map(isNew)).toEqual([true, false, true, true, false, true]);
  expect(turns.isNew({ sessionId: 'other', eventUs: 4 })).toBe(true);
  expect(isNew(1)).toBe(true);
});
