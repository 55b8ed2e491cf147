import { Argument, type Command } from 'commander';
import { command } from './command.ts';
import { bashScript } from './completion/bash.ts';
import { completionsOf } from './completion/completions.ts';
import { fishScript } from './completion/fish.ts';
import { zshScript } from './completion/zsh.ts';

const SCRIPTS = { bash: bashScript, zsh: zshScript, fish: fishScript };

/** @param root of all commands; asked when the script is printed */
export function completionCommand(root: () => Command) {
  return command('completion', 'print the script that completes commands in a shell')
    .addArgument(new Argument('<shell>', 'the shell').choices(Object.keys(SCRIPTS)))
    .action((shell: keyof typeof SCRIPTS) => {
      process.stdout.write(SCRIPTS[shell](completionsOf(root())));
    });
}
