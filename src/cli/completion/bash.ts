import type { Completion } from './completions.ts';
import { knownPaths, optionCases, pathCases } from './words.ts';

/** Where an option takes a value without a list, bash offers files. */
export function bashScript(completions: readonly Completion[]): string {
  return `# bash completion for usage-ledger; load it with: source <(usage-ledger completion bash)
_usage_ledger() {
  local at="" word offered="" current="\${COMP_WORDS[COMP_CWORD]}"
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$at $word" in ${knownPaths(completions)}) at="$at $word";; esac
  done
  case "$at \${COMP_WORDS[COMP_CWORD-1]}" in
${optionCases(completions)}
    *) case "$at" in
${pathCases(completions)}
    esac;;
  esac
  COMPREPLY=($(compgen -W "$offered" -- "$current"))
}
complete -o bashdefault -o default -F _usage_ledger usage-ledger
`;
}
