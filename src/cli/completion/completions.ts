import type { Command } from 'commander';

/** What may follow a command, such as `position show`; the path of the root is empty. */
export interface Completion {
  readonly path: readonly string[];
  readonly about: string;
  readonly commands: readonly string[];
  readonly options: readonly OptionCompletion[];
  /** Values of its arguments, where there is a list of them. */
  readonly values: readonly string[];
}

export interface OptionCompletion {
  /** As typed: `--format`. */
  readonly flag: string;
  readonly about: string;
  readonly takesValue: boolean;
  /** Its values, where there is a list of them. */
  readonly values: readonly string[];
}

/** The completions of a command and of all below it. */
export function completionsOf(command: Command, path: readonly string[] = []): Completion[] {
  const help = command.createHelp();
  const children = help.visibleCommands(command);
  const own: Completion = {
    path,
    about: command.description(),
    commands: children.map((child) => child.name()),
    options: help.visibleOptions(command).map((option) => ({
      flag: option.long ?? option.flags,
      about: option.description,
      takesValue: option.required || option.optional,
      values: option.argChoices ?? [],
    })),
    values: command.registeredArguments.flatMap(({ argChoices = [] }) => argChoices),
  };
  // `help` is commander's own, and takes the names of the others.
  const below = command.commands.flatMap((child) => completionsOf(child, [...path, child.name()]));
  return [own, ...below];
}
