import { expect, test } from 'vitest';
import { Mutex } from '../../src/worker/mutex.ts';

test('work begins when the work before it has ended, also when that failed', async () => {
  const mutex = new Mutex();
  const events: string[] = [];
  const first = mutex.runExclusive(async () => {
    events.push('first begins');
    await Promise.resolve();
    events.push('first fails');
    throw new Error('first');
  });
  const second = mutex.runExclusive(async () => {
    events.push('second begins');
    return 2;
  });
  await expect(first).rejects.toThrow('first');
  expect(await second).toBe(2);
  expect(events).toEqual(['first begins', 'first fails', 'second begins']);
});
