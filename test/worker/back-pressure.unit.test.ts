import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { BackPressure } from '../../src/worker/back-pressure.ts';

let isFull = false;
let calls: string[] = [];
let brake: BackPressure;

beforeEach(() => {
  vi.useFakeTimers();
  isFull = false;
  calls = [];
  brake = new BackPressure({
    isFull: () => isFull,
    pause: () => calls.push('pause'),
    resume: () => calls.push('resume'),
  });
});
afterEach(() => {
  vi.useRealTimers();
});

function held(): () => boolean {
  let isHeld = true;
  void brake.whenThereIsRoom()?.then(() => {
    isHeld = false;
  });
  return () => isHeld;
}

test('a partition with room holds nothing up', () => {
  expect(brake.whenThereIsRoom()).toBeUndefined();
});

test('a full one holds up until there is room', async () => {
  isFull = true;
  const isHeld = held();
  brake.ease();
  await vi.advanceTimersByTimeAsync(100);
  expect(isHeld()).toBe(true);
  isFull = false;
  brake.ease();
  await vi.advanceTimersByTimeAsync(1_000);
  expect(isHeld()).toBe(false);
  expect(calls).toEqual([]);
});

test('one that stays full is paused and lets the others go on, until there is room', async () => {
  isFull = true;
  const isHeld = held();
  await vi.advanceTimersByTimeAsync(250);
  expect(isHeld()).toBe(false);
  expect(calls).toEqual(['pause']);
  brake.ease();
  expect(calls).toEqual(['pause']);
  isFull = false;
  brake.ease();
  brake.ease();
  expect(calls).toEqual(['pause', 'resume']);
});

test('every batch of a full one holds up, not only the last: memory is bounded by what is held', async () => {
  isFull = true;
  const [first, second] = [held(), held()];
  await vi.advanceTimersByTimeAsync(100);
  expect([first(), second()]).toEqual([true, true]);
  isFull = false;
  brake.ease();
  await vi.advanceTimersByTimeAsync(0);
  expect([first(), second()]).toEqual([false, false]);
});

test('one that is over holds nothing up, and is neither paused nor resumed', async () => {
  isFull = true;
  const isHeld = held();
  brake.end();
  await vi.advanceTimersByTimeAsync(1_000);
  expect(isHeld()).toBe(false);
  expect(brake.whenThereIsRoom()).toBeUndefined();
  isFull = false;
  brake.ease();
  expect(calls).toEqual([]);
});
