import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DeadLetterWindow } from '../../src/worker/dead-letter-window.ts';

const GOOD = false;
const DEAD = true;

/** Notes `count` messages; whether one of them was to halt the partition. */
function note(window: DeadLetterWindow, isDeadLetter: boolean, count = 1): boolean {
  let halts = false;
  for (let i = 0; i < count; i += 1) halts = window.note(isDeadLetter) || halts;
  return halts;
}

describe('DEAD_LETTER_LIMIT', () => {
  test('does not apply before 1,000 messages were seen, even if all are dead letters', () => {
    const window = new DeadLetterWindow(0.2);
    expect(note(window, DEAD, 999)).toBe(false);
    expect(note(window, DEAD)).toBe(true);
  });

  test('halts above the share, not at it', () => {
    const window = new DeadLetterWindow(0.2);
    note(window, GOOD, 800);
    expect(note(window, DEAD, 200)).toBe(false);
    expect(note(window, DEAD)).toBe(true);
  });

  test('halts as soon as enough were seen, also when the dead letters have ended by then', () => {
    const window = new DeadLetterWindow(0.2);
    note(window, DEAD, 300);
    expect(note(window, GOOD, 699)).toBe(false);
    expect(note(window, GOOD)).toBe(true);
  });

  test('applies to the last 10,000 messages only', () => {
    const window = new DeadLetterWindow(0.2);
    note(window, DEAD, 500);
    note(window, GOOD, 9_500);
    expect([window.dead, window.size]).toEqual([500, 10_000]);
    note(window, GOOD, 500);
    expect([window.dead, window.size]).toEqual([0, 10_000]);
    expect(note(window, DEAD, 2_000)).toBe(false);
    expect(note(window, DEAD)).toBe(true);
    expect(window.dead).toBe(2_001);
  });

  test('does not apply to messages that a person has accepted', () => {
    const window = new DeadLetterWindow(0.2, 5_000);
    for (let offset = 0; offset < 5_000; offset += 1) expect(window.note(DEAD, offset)).toBe(false);
    expect([window.dead, window.size]).toEqual([0, 0]);
    for (let offset = 5_000; offset < 5_999; offset += 1) window.note(DEAD, offset);
    expect(window.note(DEAD, 5_999)).toBe(true);
  });

  test('of 1 never halts', () => {
    expect(note(new DeadLetterWindow(1), DEAD, 25_000)).toBe(false);
  });

  test('of 0 halts after the first dead letter of 1,000 messages', () => {
    const window = new DeadLetterWindow(0);
    expect(note(window, GOOD, 5_000)).toBe(false);
    expect(note(window, DEAD)).toBe(true);
  });
});

test('the window is the share over the last 10,000, for any sequence', () => {
  const run = fc.tuple(fc.constantFrom(0, 1), fc.integer({ min: 1, max: 4_000 }));
  const limits = fc.constantFrom(0, 0.05, 0.2, 0.5, 1);
  fc.assert(
    fc.property(fc.array(run, { maxLength: 12 }), limits, (runs, limit) => {
      const window = new DeadLetterWindow(limit);
      const marks = runs.flatMap(([mark, count]) => new Array<number>(count).fill(mark));
      let dead = 0;
      marks.forEach((mark, i) => {
        dead += mark - (marks[i - 10_000] ?? 0);
        const size = Math.min(i + 1, 10_000);
        const halts = i + 1 >= 1_000 && dead / size > limit;
        if (window.note(mark === 1) !== halts) throw new Error(`at message ${i + 1}`);
      });
      expect([window.dead, window.size]).toEqual([dead, Math.min(marks.length, 10_000)]);
    }),
    { numRuns: 50 },
  );
});
