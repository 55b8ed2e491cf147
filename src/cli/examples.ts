import type { Command } from 'commander';

/** Examples of each command, by its name after `usage-ledger`; shown at the end of its --help. */
export const EXAMPLES: Readonly<Record<string, readonly string[]>> = {
  migrate: ['migrate'],
  run: ['run', 'run --until-caught-up'],
  produce: ['produce --file events.jsonl', 'produce --file events.jsonl --topic agent-metrics'],
  simulate: ['simulate --sessions 20', 'simulate --sessions 1000 --rate 500 --duplicates 0.1'],
  report: [
    'report',
    'report --session AJ_06c4f5a2507ff1',
    'report --by account --from 2026-11-01 --to 2026-11-30 --top 10',
  ],
  export: [
    'export --account acme --from 2026-11-01 --to 2026-11-30 > acme-2026-11.csv',
    'export --account acme --from 2026-11-01 --to 2026-11-30 --format parquet --output acme.parquet',
    'export --since-export export_5b2f0c1e',
  ],
  verify: ['verify', 'verify --since 2026-11-01T00:00:00Z --json'],
  reconcile: ['reconcile', 'reconcile --session AJ_06c4f5a2507ff1 --json'],
  'position show': ['position show', 'position show --json'],
  'position accept-loss': ['position accept-loss --topic agent-metrics --partition 3'],
  'position set': ['position set --topic agent-metrics --partition 3 --offset 1200'],
  'position resume': ['position resume --topic agent-metrics --partition 3'],
  replay: [
    'replay --from-beginning --dry-run',
    'replay --from-timestamp 2026-11-24T12:00:00Z --to-timestamp 2026-11-24T13:00:00Z',
    'replay --topic agent-metrics --partition 3 --from-offset 1000 --to-offset 2000',
  ],
  'dead-letters list': ['dead-letters list', 'dead-letters list --json'],
  'dead-letters show': ['dead-letters show agent-metrics/3/1200'],
  'dead-letters redrive': [
    'dead-letters redrive --dry-run',
    'dead-letters redrive agent-metrics/3/1200',
  ],
  'dead-letters discard': ['dead-letters discard agent-metrics/3/1200 --because "a test message"'],
  'conflicts list': ['conflicts list', 'conflicts list --session AJ_06c4f5a2507ff1'],
  'conflicts accept': ['conflicts accept agent-metrics/3/1200'],
  'conflicts dismiss': ['conflicts dismiss agent-metrics/3/1200'],
  'conflicts bill-both': ['conflicts bill-both agent-metrics/3/1200'],
  'sessions set-account': ['sessions set-account --session AJ_06c4f5a2507ff1 --account acme'],
  'schemas register': ['schemas register'],
  'schemas check': ['schemas check'],
  'prices import': ['prices import docs/examples/prices.csv'],
  'prices list': ['prices list', 'prices list --json'],
  'prices check': ['prices check'],
  compact: ['compact', 'compact --quiet-for 3600 --json'],
  doctor: ['doctor', 'doctor --json'],
  completion: [
    'completion bash > /etc/bash_completion.d/usage-ledger',
    'completion zsh > "$fpath[1]/_usage-ledger"',
    'completion fish > ~/.config/fish/completions/usage-ledger.fish',
  ],
};

/** Adds the examples to the help of a command and of all below it. */
export function showExamples(command: Command, path: readonly string[] = []): void {
  const examples = EXAMPLES[path.join(' ')] ?? [];
  if (examples.length > 0) {
    const lines = examples.map((example) => `  usage-ledger ${example}`);
    command.addHelpText('after', `\nExamples:\n${lines.join('\n')}`);
  }
  for (const child of command.commands) showExamples(child, [...path, child.name()]);
}
