import { expect, test } from 'vitest';
import { positionCommand } from '../../src/cli/position.ts';
import { type HaltKind, haltOf } from '../../src/ledger/halt.ts';
import { whyUnreadable } from '../../src/source/kafka/unreadable.ts';

const kinds: readonly [HaltKind, string][] = [
  ['lost_offsets', 'accept-loss'],
  ['dead_letter_limit', 'resume'],
];

test.each(kinds)(
  'a halt for %s names the command that resolves it, which exists: %s',
  (kind, name) => {
    const { why } = haltOf(kind, { topic: 'calls', partition: 3 }, 'this happened');

    expect(why).toMatch(/^this happened; /);
    const line = /run: usage-ledger position (\S+) (--topic \S+) (--partition \S+)/.exec(why);
    expect(line?.slice(1)).toEqual([name, '--topic calls', '--partition 3']);
    const command = positionCommand().commands.find((other) => other.name() === name);
    const required = command?.options.filter(({ mandatory }) => mandatory).map(({ long }) => long);
    expect(required).toEqual(['--topic', '--partition']);
  },
);

test('a halt for unreadable bytes names a command and options that exist', () => {
  const where = { topic: 'calls', partition: 3 };
  const unreadable = { why: 'its checksum is wrong', firstOffset: 5, lastOffset: 9 };
  const { why } = haltOf('unreadable', where, whyUnreadable(where, 7, unreadable));

  expect(why).toMatch('offsets 5 to 9 cannot be read: its checksum is wrong; restore the bytes');
  const line = /usage-ledger position (\S+) (--.*)$/.exec(why);
  expect(line?.[2]).toBe('--topic calls --partition 3 --offset 10 --skip-unread');
  const command = positionCommand().commands.find((other) => other.name() === line?.[1]);
  const options = command?.options.map(({ long }) => long);
  expect(options).toEqual(expect.arrayContaining(line?.[2]?.match(/--[a-z-]+/g) ?? []));
});
