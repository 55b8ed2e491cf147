import { expect, test } from 'vitest';
import type { Batch } from '../../src/records/message.ts';
import { OutcomeWindow } from '../../src/worker/outcome-window.ts';
import { ignored } from '../ledger/messages.ts';

const WHERE = { topic: 'calls', partition: 0 };

function batchOf(from: number, count: number, dead: (offset: number) => boolean): Batch {
  const messages = Array.from({ length: count }, (_, i) => {
    const message = ignored(undefined, from + i);
    if (!dead(from + i)) return message;
    const { record, offset } = message;
    const reason = 'undecodable' as const;
    return { kind: 'dead_letter' as const, offset, record, reason, detail: '', schemaId: null };
  });
  const metricOf = () => {
    throw new Error('nothing is billed here');
  };
  const where = { groupId: 'group', topic: 'calls', partition: 0, pass: 0, generation: 0 };
  return { ...where, fromOffset: from, nextOffset: from + count, messages, metricOf };
}

test('dead letters of decoding and of Postgres count together', () => {
  const window = new OutcomeWindow(WHERE, 0.2);
  const first = batchOf(0, 1_000, (offset) => offset < 149);
  for (let offset = 900; offset < 950; offset += 1)
    expect(window.rejected(first, offset)).toBe(true);
  expect(window.applied(first, 1_000, true)).toBeUndefined();

  const second = batchOf(1_000, 10, () => false);
  expect(window.rejected(second, 1_000)).toBe(true);
  expect(window.rejected(second, 1_001)).toBe(false);
  expect(window.applied(second, 1_002, true)).toMatchObject({ kind: 'dead_letter_limit' });
});

test('a batch that is applied in two parts is counted once', () => {
  const window = new OutcomeWindow(WHERE, 0.5);
  const batch = batchOf(0, 2_000, (offset) => offset % 2 === 1);
  expect(window.applied(batch, 700, true)).toBeUndefined();
  expect(window.applied(batch, 2_000, true)).toBeUndefined();
  const more = batchOf(2_000, 1, () => false);
  expect(window.rejected(more, 2_000)).toBe(false);
  expect(window.applied(more, 2_001, true)?.why).toMatch(/^1001 of its last 2001 messages/);
});

test('batches without dead letters are counted at once, and as if one by one', () => {
  const at = (wholes: boolean) => {
    const window = new OutcomeWindow(WHERE, 0.2);
    const dead = (offset: number) => offset >= 12_000;
    let halted: string | undefined;
    for (let from = 0; from < 15_000 && halted === undefined; from += 500) {
      const batch = batchOf(from, 500, dead);
      halted = window.applied(batch, from + 500, !wholes || dead(from))?.why;
    }
    return halted;
  };
  expect(at(true)).toMatch(/^2001 of its last 10000 messages/);
  expect(at(true)).toBe(at(false));
});
