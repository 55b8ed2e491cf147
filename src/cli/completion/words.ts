import type { Completion } from './completions.ts';

/**
 * The parts of a script that bash and zsh share: a case for each command that may extend the path, and
 * one for what is offered after a path or an option. Names need no quotes: they are a-z and hyphens.
 */
export function knownPaths(completions: readonly Completion[]): string {
  return completions
    .filter(({ path }) => path.length > 0)
    .map(({ path }) => `" ${path.join(' ')}"`)
    .join('|');
}

export function optionCases(completions: readonly Completion[]): string {
  const cases = completions.flatMap(({ path, options }) =>
    options
      .filter(({ takesValue }) => takesValue)
      .map(({ flag, values }) => `    "${at(path)} ${flag}") offered="${values.join(' ')}";;`),
  );
  return cases.join('\n');
}

export function pathCases(completions: readonly Completion[]): string {
  return completions
    .map(({ path, commands, options, values }) => {
      const words = [...commands, ...values, ...options.map(({ flag }) => flag)];
      return `      "${at(path)}") offered="${words.join(' ')}";;`;
    })
    .join('\n');
}

function at(path: readonly string[]): string {
  return path.map((name) => ` ${name}`).join('');
}
