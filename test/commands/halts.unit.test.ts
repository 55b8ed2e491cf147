import { expect, test } from 'vitest';
import { positionCommand } from '../../src/commands/position.ts';
import { type HaltKind, haltOf } from '../../src/pipeline/halt.ts';

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
