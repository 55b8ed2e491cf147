import { describe, expect, test } from 'vitest';
import { sharedProbe } from '../../src/http/shared-probe.ts';

function probed() {
  const clock = { now: 1_000_000 };
  const asked: { resolve(value: unknown): void; reject(error: Error): void }[] = [];
  const probe = sharedProbe(
    () => new Promise((resolve, reject) => asked.push({ resolve, reject })),
    () => clock.now,
  );
  return { clock, asked, probe };
}

// Each call of /readyz asked Postgres and the registry: whoever polls it decided how often.
describe('a shared probe', () => {
  test('probes once while it is pending, and at most once a second afterwards', async () => {
    const { clock, asked, probe } = probed();
    const three = [probe(), probe(), probe()];
    expect(asked).toHaveLength(1);
    asked[0]?.resolve('yes');
    expect(await Promise.all(three)).toEqual(['yes', 'yes', 'yes']);
    clock.now += 999;
    expect(await probe()).toBe('yes');
    expect(asked).toHaveLength(1);
    clock.now += 1;
    void probe();
    expect(asked).toHaveLength(2);
  });

  test('shares a failure, and probes again after it', async () => {
    const { clock, asked, probe } = probed();
    const both = [probe(), probe()];
    asked[0]?.reject(new Error('no'));
    for (const one of both) await expect(one).rejects.toThrow('no');
    await expect(probe()).rejects.toThrow('no');
    clock.now += 1_000;
    const next = probe();
    asked[1]?.resolve('yes');
    expect(await next).toBe('yes');
  });

  test('starts another probe when one hangs', () => {
    const { clock, asked, probe } = probed();
    void probe();
    clock.now += 2_000;
    void probe();
    expect(asked).toHaveLength(2);
  });
});
