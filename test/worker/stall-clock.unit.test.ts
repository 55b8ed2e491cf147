import { beforeEach, describe, expect, test } from 'vitest';
import { StallClock } from '../../src/worker/stall-clock.ts';

const where = { topic: 'calls', partition: 0 };
const other = { topic: 'calls', partition: 1 };
const BEGUN = 1_000_000;

let clock: StallClock;
beforeEach(() => {
  clock = new StallClock();
});

/** An assignment in which the partition begins at `position` and ends there. */
function assignment(now: number, position: number, lag: number): number {
  clock.assigned([where], now);
  clock.starting(where, now);
  const advancedAt = clock.started(where, position, lag, now);
  clock.ended({ ...where, position, lag, advancedAt }, now);
  return advancedAt;
}

describe('the clock of a partition continues', () => {
  test('when assignments begin over and over without progress, and they are counted', () => {
    for (let second = 0; second < 90; second += 1) {
      expect(assignment(BEGUN + second * 1_000, 7, 5)).toBe(BEGUN);
    }
    expect(clock.startsOf({ ...where, position: 7 })).toBe(90);
    expect(clock.assignments(BEGUN + 89_000)).toBe(60);
    expect(clock.assignments(BEGUN + 200_000)).toBe(0);
  });

  test('when its position cannot be looked up', () => {
    clock.assigned([where], BEGUN);
    expect(clock.starting(where, BEGUN)).toBe(BEGUN);
    clock.assigned([where], BEGUN + 70_000);
    expect(clock.starting(where, BEGUN + 70_000)).toBe(BEGUN);
    expect(clock.startsOf(where)).toBe(2);
  });

  test('when its position is looked up again', () => {
    assignment(BEGUN, 7, 5);
    expect(clock.starting(where, BEGUN + 1_000)).toBe(BEGUN);
  });
});

describe('the clock of a partition restarts', () => {
  test('when its position has moved, here or in another worker', () => {
    assignment(BEGUN, 7, 5);
    expect(assignment(BEGUN + 1_000, 8, 5)).toBe(BEGUN + 1_000);
    expect(clock.startsOf({ ...where, position: 8 })).toBe(1);
    // It moved within the assignment.
    clock.ended({ ...where, position: 9, lag: 4, advancedAt: BEGUN + 1_500 }, BEGUN + 2_000);
    expect(assignment(BEGUN + 3_000, 9, 4)).toBe(BEGUN + 1_500);
  });

  test('when there is nothing left to read, however long that has been so', () => {
    assignment(BEGUN, 7, 0);
    expect(clock.starting(where, BEGUN + 100_000)).toBe(BEGUN);
    expect(clock.started(where, 7, 0, BEGUN + 100_000)).toBe(BEGUN + 100_000);
    // It was quiet until now: that is no standstill.
    clock.ended({ ...where, position: 7, lag: 0, advancedAt: BEGUN }, BEGUN + 200_000);
    expect(clock.starting(where, BEGUN + 200_000)).toBe(BEGUN + 200_000);
  });

  test('when it was given to another worker in between', () => {
    assignment(BEGUN, 7, 5);
    clock.assigned([other], BEGUN + 1_000);
    expect(assignment(BEGUN + 90_000, 7, 5)).toBe(BEGUN + 90_000);
  });
});
