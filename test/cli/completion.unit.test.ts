import { execFileSync } from 'node:child_process';
import { Argument, Command, Option } from 'commander';
import { describe, expect, test } from 'vitest';
import { bashScript } from '../../src/cli/completion/bash.ts';
import { completionsOf } from '../../src/cli/completion/completions.ts';
import { fishScript } from '../../src/cli/completion/fish.ts';
import { zshScript } from '../../src/cli/completion/zsh.ts';

function program(): Command {
  const root = new Command('usage-ledger');
  const report = new Command('report')
    .description("a call's usage")
    .option('--session <id>', 'one session')
    .addOption(new Option('--format <format>', 'how').choices(['table', 'json', 'csv']));
  const position = new Command('position');
  position.addCommand(new Command('show').option('--json', 'as JSON'));
  position.addCommand(new Command('set').requiredOption('--offset <n>', 'where to'));
  const shell = new Argument('<shell>').choices(['bash', 'zsh']);
  root.addCommand(report).addCommand(position);
  return root.addCommand(new Command('completion').addArgument(shell));
}

const completions = completionsOf(program());

/** What bash offers after a line; its last word may be half typed. */
function offered(line: string): string[] {
  const words = line.split(' ').map((word) => `'${word}'`);
  const script = `${bashScript(completions)}
    COMP_WORDS=(${words.join(' ')}); COMP_CWORD=${words.length - 1}
    _usage_ledger; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const printed = execFileSync('bash', ['--norc', '-c', script], { encoding: 'utf8' });
  return printed.split('\n').filter((word) => word !== '');
}

describe('bash offers', () => {
  test.each<[string, string[]]>([
    ['usage-ledger re', ['report']],
    ['usage-ledger position s', ['show', 'set']],
    ['usage-ledger position set --o', ['--offset']],
    ['usage-ledger report --', ['--session', '--format', '--help']],
    ['usage-ledger report --format ', ['table', 'json', 'csv']],
    ['usage-ledger report --format json --s', ['--session']],
    // A name that is also one of a command.
    ['usage-ledger report --session position --f', ['--format']],
    ['usage-ledger completion z', ['zsh']],
    ['usage-ledger report --session ', []],
  ])('after "%s"', (line, expected) => {
    expect(offered(line)).toEqual(expected);
  });
});

test('zsh has a case for each command and each option that takes a value', () => {
  const script = zshScript(completions);
  expect(script).toMatch(/^#compdef usage-ledger\n/);
  expect(script).toContain('" position set") offered="--offset --help";;');
  expect(script).toContain('" report --format") offered="table json csv";;');
});

test('fish has a line for each command and option, with its description', () => {
  const lines = fishScript(completions).split('\n');
  expect(lines).toContain(
    "complete -c usage-ledger -n '__fish_use_subcommand' -a report -d 'a call\\'s usage'",
  );
  expect(lines).toContain(
    "complete -c usage-ledger -n '__fish_seen_subcommand_from position; and __fish_seen_subcommand_from set' -l offset -r -F -d 'where to'",
  );
  expect(lines).toContain(
    "complete -c usage-ledger -n '__fish_seen_subcommand_from report' -l format -x -a 'table json csv' -d 'how'",
  );
});
