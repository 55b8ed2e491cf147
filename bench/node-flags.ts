/** As on the command line of `usage-ledger`; a test holds it against package.json. */
export const DEFAULT_NODE_FLAGS =
  '--heap-growing-percent=70 --max-semi-space-size=4 --no-parallel-scavenge --v8-pool-size=1';

/** The flags of Node for a worker; BENCH_NODE_FLAGS replaces them, in `env` or for the whole bench. */
export function nodeFlags(env: NodeJS.ProcessEnv): string[] {
  const flags = env['BENCH_NODE_FLAGS'] ?? process.env['BENCH_NODE_FLAGS'] ?? DEFAULT_NODE_FLAGS;
  return flags.split(' ').filter((flag) => flag !== '');
}
