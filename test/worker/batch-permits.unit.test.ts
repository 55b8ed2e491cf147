import { expect, test } from 'vitest';
import { BatchPermits } from '../../src/worker/batch-permits.ts';

/** Acquires a permit and says whether it was granted. */
function acquire(permits: BatchPermits): () => boolean {
  let isGranted = false;
  void permits.acquire().then(() => {
    isGranted = true;
  });
  return () => isGranted;
}
const turn = () => new Promise((resolve) => setImmediate(resolve));

test('permits are granted up to the count, then in the order of the requests', async () => {
  const permits = new BatchPermits(1);
  const [first, second, third] = [acquire(permits), acquire(permits), acquire(permits)];
  await turn();
  expect([first(), second(), third()]).toEqual([true, false, false]);
  expect(permits.isContended).toBe(true);
  permits.release();
  await turn();
  expect([second(), third()]).toEqual([true, false]);
  permits.release();
  permits.release();
  await turn();
  expect([third(), permits.isContended]).toEqual([true, false]);
});

test('a permit is released while its holder waits, and acquired again also when the wait fails', async () => {
  const permits = new BatchPermits(1);
  await permits.acquire();
  let fail: (error: Error) => void = () => {};
  const waiting = permits.releaseWhile(
    () =>
      new Promise((_, reject) => {
        fail = reject;
      }),
  );
  const other = acquire(permits);
  await turn();
  expect(other()).toBe(true);
  fail(new Error('no answer'));
  permits.release();
  await expect(waiting).rejects.toThrow('no answer');
  const next = acquire(permits);
  await turn();
  expect(next()).toBe(false);
});
