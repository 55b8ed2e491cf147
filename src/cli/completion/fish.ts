import type { Completion } from './completions.ts';

export function fishScript(completions: readonly Completion[]): string {
  const lines = completions.flatMap((completion) => linesOf(completion, completions));
  return `# fish completion for usage-ledger; load it with: usage-ledger completion fish | source
complete -c usage-ledger -f
${lines.join('\n')}
`;
}

function linesOf(completion: Completion, all: readonly Completion[]): string[] {
  const { path, commands, options, values } = completion;
  const seen = path.map((name) => `__fish_seen_subcommand_from ${name}`);
  const none = path.length === 0 ? ['__fish_use_subcommand'] : [];
  const noChild = `not __fish_seen_subcommand_from ${commands.join(' ')}`;
  const isHere = [...none, ...seen, ...(commands.length > 0 && path.length > 0 ? [noChild] : [])];
  const line = (rest: string, about: string) =>
    `complete -c usage-ledger -n ${quoted(isHere.join('; and '))} ${rest} -d ${quoted(about)}`;
  return [
    ...commands.map((name) => line(`-a ${name}`, aboutOf([...path, name], all))),
    ...values.map((value) => line(`-a ${value}`, '')),
    ...options.map(({ flag, about, takesValue, values: choices }) => {
      const isListed = choices.length > 0;
      // A value without a list may be a file.
      const value = isListed ? ` -x -a ${quoted(choices.join(' '))}` : takesValue ? ' -r -F' : '';
      return line(`-l ${flag.replace(/^--/, '')}${value}`, about);
    }),
  ];
}

function aboutOf(path: readonly string[], all: readonly Completion[]): string {
  return all.find((other) => other.path.join(' ') === path.join(' '))?.about ?? '';
}

function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
