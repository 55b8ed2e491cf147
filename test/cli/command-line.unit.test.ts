import type { Command } from 'commander';
import { describe, expect, test, vi } from 'vitest';
import { EXAMPLES } from '../../src/cli/examples.ts';
import { blocksOf, commandsOf, inlineCodeOf, readPage, readPages } from '../support/pages.ts';

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
/** Commands that are followed by another one. */
const GROUPS = new Set([...commands.keys()].flatMap((name) => name.split(' ').slice(0, -1)));

test('each command has an example, and each example is of a command', () => {
  expect(Object.keys(EXAMPLES).toSorted()).toEqual([...commands.keys()].toSorted());
});

/** The command that a line after `usage-ledger` begins with, and its words after that. */
function parsed(line: string): { command: Command; words: string[] } {
  const [typed = ''] = line.split(' > ');
  const words = typed.match(/"[^"]*"|'[^']*'|\S+/g) ?? [];
  for (const length of [1, 2]) {
    const command = commands.get(words.slice(0, length).join(' '));
    if (command !== undefined) return { command, words: words.slice(length) };
  }
  throw new Error(`no such command: ${line}`);
}

/** Asserts that the options of a line exist, and that it has all that are required. */
function expectComplete(line: string): void {
  const { command, words } = parsed(line);
  const { operands, unknown } = command.exitOverride().parseOptions(words);
  expect(unknown, line).toEqual([]);
  const wanted = command.registeredArguments.filter(({ required }) => required).length;
  expect(operands.length, line).toBeGreaterThanOrEqual(wanted);
  if (command.registeredArguments.length === 0) expect(operands, line).toEqual([]);
  for (const option of command.options.filter(({ mandatory }) => mandatory)) {
    expect(words, line).toContain(option.long);
  }
}

test.each(
  Object.entries(EXAMPLES).flatMap(([name, examples]) => examples.map((line) => [name, line])),
)(
  'an example of %s has options that exist, and those that are required: %s',
  (name = '', line = '') => {
    expect(`${line} `.startsWith(`${name} `)).toBe(true);
    expectComplete(line);
  },
);

/** What precedes the name of a command, whichever way the program is started. */
const STARTED =
  /^(?:(?:npx )?usage-ledger|npm run -s usage-ledger --|docker compose run --rm ledger) /;
const linesIn = (codes: readonly string[]) =>
  codes.filter((code) => STARTED.test(code)).map((code) => code.replace(STARTED, ''));

describe('of the pages', () => {
  const pages = readPages();

  test('each command line is complete, and its options exist', () => {
    const lines = pages.flatMap((page) =>
      linesIn([...commandsOf(page), ...blocksOf(page, 'text').flatMap((text) => text.split('\n'))]),
    );
    expect(lines.length).toBeGreaterThan(15);
    for (const line of lines) expectComplete(line);
  });

  test('each command in a sentence exists; with an option, or in a runbook, it is complete', () => {
    const lines = pages.flatMap((page) =>
      linesIn(inlineCodeOf(page)).map((line) => [page, line] as const),
    );
    expect(lines.length).toBeGreaterThan(40);
    for (const [page, line] of lines) {
      // A capital stands for what the reader knows.
      if (line.includes(' --') || page.file.startsWith('docs/runbooks/'))
        expectComplete(line.replaceAll(/ [A-Z]\b/g, ' 1'));
      else if (!GROUPS.has(line)) parsed(line);
    }
  });

  test('the table of the README has each command', () => {
    const [, table = ''] = readPage('README.md').text.split('| Command | Does |\n');
    const rows = table.split('\n\n')[0]?.split('\n') ?? [];
    for (const name of commands.keys()) {
      const [first = '', last = first] = name.split(' ');
      const cells = rows.map((row) => row.split(' | ')[0] ?? '');
      const named = cells.filter((cell) => new RegExp(`\`${first}\\b`).test(cell));
      expect(named.join(), name).toMatch(new RegExp(`\\b${last}\\b`));
    }
  });
});

/** Its log is its output, it is always JSON, it has --format, it is a script. */
const WITHOUT_JSON = ['run', 'dead-letters show', 'report', 'export', 'completion'];

test('each command that prints something prints it as JSON with --json', () => {
  const without = [...commands].filter(([, command]) =>
    command.options.every(({ long }) => long !== '--json'),
  );
  expect(without.map(([name]) => name).toSorted()).toEqual(WITHOUT_JSON.toSorted());
});
