import type { Command } from 'commander';
import { expect, test, vi } from 'vitest';
import { EXAMPLES } from '../../src/cli/examples.ts';

const found = vi.hoisted(() => ({ root: undefined as Command | undefined }));
vi.mock('../../src/cli/program.ts', () => ({
  runProgram: (root: Command) => {
    found.root = root;
  },
}));
await import('../../src/main.ts');

/** The commands that do something, by what is typed for them. */
function leaves(command: Command, path: readonly string[] = []): [string, Command][] {
  if (command.commands.length === 0) return [[path.join(' '), command]];
  return command.commands.flatMap((child) => leaves(child, [...path, child.name()]));
}
const commands = new Map(leaves(found.root as Command));

test('each command has an example, and each example is of a command', () => {
  expect(Object.keys(EXAMPLES).toSorted()).toEqual([...commands.keys()].toSorted());
});

test.each(
  Object.entries(EXAMPLES).flatMap(([name, examples]) => examples.map((line) => [name, line])),
)(
  'an example of %s has options that exist, and those that are required: %s',
  (name = '', line = '') => {
    const command = commands.get(name) as Command;
    const [typed = ''] = line.split(' > ');
    expect(`${typed} `.startsWith(`${name} `)).toBe(true);
    const words = typed.slice(name.length).match(/"[^"]*"|\S+/g) ?? [];
    const { operands, unknown } = command.parseOptions(words);
    expect(unknown).toEqual([]);
    const wanted = command.registeredArguments.filter(({ required }) => required).length;
    expect(operands.length).toBeGreaterThanOrEqual(wanted);
    if (command.registeredArguments.length === 0) expect(operands).toEqual([]);
    for (const option of command.options.filter(({ mandatory }) => mandatory)) {
      expect(words).toContain(option.long);
    }
  },
);

/** Its log is its output, it is always JSON, it has --format, it is a script. */
const WITHOUT_JSON = ['run', 'dead-letters show', 'report', 'export', 'completion'];

test('each command that prints something prints it as JSON with --json', () => {
  const without = [...commands].filter(([, command]) =>
    command.options.every(({ long }) => long !== '--json'),
  );
  expect(without.map(([name]) => name).toSorted()).toEqual(WITHOUT_JSON.toSorted());
});
