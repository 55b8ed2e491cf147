import type { Completion } from './completions.ts';
import { knownPaths, optionCases, pathCases } from './words.ts';

/** Where an option takes a value without a list, zsh offers files. */
export function zshScript(completions: readonly Completion[]): string {
  return `#compdef usage-ledger
# zsh completion for usage-ledger; load it with: source <(usage-ledger completion zsh)
_usage_ledger() {
  local at="" word offered=""
  for word in "\${(@)words[2,CURRENT-1]}"; do
    case "$at $word" in ${knownPaths(completions)}) at="$at $word";; esac
  done
  case "$at \${words[CURRENT-1]}" in
${optionCases(completions)}
    *) case "$at" in
${pathCases(completions)}
    esac;;
  esac
  if [[ -n "$offered" ]]; then compadd -- \${=offered}; else _files; fi
}
compdef _usage_ledger usage-ledger
`;
}
