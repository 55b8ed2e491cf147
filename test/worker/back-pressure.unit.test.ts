import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { BackPressure } from '../../src/worker/back-pressure.ts';

let isFull = false;
let calls: string[] = [];
let backPressure: BackPressure;

beforeEach(() => {
  vi.useFakeTimers();
  isFull = false;
  calls = [];
  backPressure = new BackPressure({
    isFull: () => isFull,
    pause: () => calls.push('pause'),
    resume: () => calls.push('resume'),
  });
});
afterEach(() => {
  vi.useRealTimers();
});

function delayed(): () => boolean {
  let isDelayed = true;
  void backPressure.whenThereIsRoom()?.then(() => {
    isDelayed = false;
  });
  return () => isDelayed;
}

test('a partition with room delays nothing', () => {
  expect(backPressure.whenThereIsRoom()).toBeUndefined();
});

test('a full partition delays fetches until there is room', async () => {
  isFull = true;
  const isDelayed = delayed();
  backPressure.ease();
  await vi.advanceTimersByTimeAsync(100);
  expect(isDelayed()).toBe(true);
  isFull = false;
  backPressure.ease();
  await vi.advanceTimersByTimeAsync(1_000);
  expect(isDelayed()).toBe(false);
  expect(calls).toEqual([]);
});

test('a partition that stays full is paused until there is room, and the others are fetched', async () => {
  isFull = true;
  const isDelayed = delayed();
  await vi.advanceTimersByTimeAsync(250);
  expect(isDelayed()).toBe(false);
  expect(calls).toEqual(['pause']);
  backPressure.ease();
  expect(calls).toEqual(['pause']);
  isFull = false;
  backPressure.ease();
  backPressure.ease();
  expect(calls).toEqual(['pause', 'resume']);
});

test('every fetch of a full partition is delayed, not only the last: memory stays bounded', async () => {
  isFull = true;
  const [first, second] = [delayed(), delayed()];
  await vi.advanceTimersByTimeAsync(100);
  expect([first(), second()]).toEqual([true, true]);
  isFull = false;
  backPressure.ease();
  await vi.advanceTimersByTimeAsync(0);
  expect([first(), second()]).toEqual([false, false]);
});

test('a partition that has ended delays nothing, and is neither paused nor resumed', async () => {
  isFull = true;
  const isDelayed = delayed();
  backPressure.end();
  await vi.advanceTimersByTimeAsync(1_000);
  expect(isDelayed()).toBe(false);
  expect(backPressure.whenThereIsRoom()).toBeUndefined();
  isFull = false;
  backPressure.ease();
  expect(calls).toEqual([]);
});
