import { expect, test } from 'vitest';
import { filterOf, idsOf, isFiltered } from '../../src/cli/dead-letter-choice.ts';
import { WrongUsageError } from '../../src/errors.ts';

// It was taken for no filter at all: nothing of partition 0 could be discarded.
test('partition 0 counts as a filter', () => {
  expect(isFiltered(filterOf({ partition: 0 }, false))).toBe(true);
  expect(isFiltered(filterOf({}, true))).toBe(false);
});

test('ids together with filters are refused', () => {
  const filter = filterOf({ partition: 0 }, false);
  expect(() => idsOf(['calls/0/1'], filter)).toThrow(WrongUsageError);
  expect(idsOf([], filter)).toEqual([]);
  expect(idsOf(['calls/0/1'], filterOf({}, false))).toHaveLength(1);
});
