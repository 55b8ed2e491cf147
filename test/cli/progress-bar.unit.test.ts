import { expect, test } from 'vitest';
import { ProgressBar } from '../../src/cli/progress-bar.ts';

function scene(isTTY: boolean) {
  let now = 0;
  let written = '';
  const terminal = { isTTY, write: (text: string) => (written += text) };
  const bar = new ProgressBar('sending', { terminal, now: () => now });
  return {
    bar,
    at: (ms: number) => {
      now = ms;
    },
    /** What was written since the last time. */
    written: () => {
      const text = written;
      written = '';
      return text;
    },
  };
}

test('progress is shown after two seconds, with share, rate and time left', () => {
  const { bar, at, written } = scene(true);
  at(1_900);
  bar.update(10, 100);
  expect(written()).toBe('');
  at(5_000);
  bar.update(25, 100, 500);
  expect(written()).toBe(
    `\rsending ${'█'.repeat(8)}${'░'.repeat(24)} 25 %, 500 at 100/s, 15 s left`,
  );
  at(5_050);
  bar.update(26, 100);
  expect(written()).toBe('');
});

test('a shorter line covers a longer one, and clearing leaves nothing', () => {
  const { bar, at, written } = scene(true);
  at(3_000);
  bar.update(1, 10_000);
  const long = written().length - 1;
  expect(long).toBeGreaterThan(0);
  at(6_000);
  bar.update(9_999, 10_000);
  expect(written().length - 1).toBe(long);
  bar.clear();
  expect(written()).toMatch(/^\r +\r$/);
});

test.each([
  [4_000, 50, '4 s left'],
  [100_000, 50, '1 min 40 s left'],
  [7_200_000, 50, '2 h 0 min left'],
])('after %i ms at %i % there are %s', (ms, share, left) => {
  const { bar, at, written } = scene(true);
  at(ms);
  bar.update(share, 100);
  expect(written()).toContain(left);
});

test('without a terminal only the summary is written', () => {
  const { bar, at, written } = scene(false);
  at(10_000);
  bar.update(50, 100);
  bar.end('100 events');
  expect(written()).toBe('sending: 100 events in 10.0 s\n');
});
