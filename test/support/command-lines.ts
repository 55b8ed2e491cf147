import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { processTree } from '../../tools/stack/process-tree.ts';
import { type CliResult, startCli } from './cli.ts';

/** Everything that a command shows of itself. */
export interface Shown extends CliResult {
  /** What `ps` would have shown of it and its children while it ran; nothing but on Linux. */
  readonly commandLines: string;
}

const SAMPLE_EVERY_MS = 50;

/** Runs the command to its end, and notes the command lines of its processes meanwhile. */
export async function watchedCli(args: readonly string[], env: NodeJS.ProcessEnv): Promise<Shown> {
  const running = startCli(args, env);
  const seen = new Set<string>();
  const over = new AbortController();
  const watch = (async () => {
    while (!over.signal.aborted) {
      for (const pid of await processTree(running.process.pid ?? -1)) {
        const file = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
        seen.add(file.replaceAll('\0', ' '));
      }
      await delay(SAMPLE_EVERY_MS, undefined, { signal: over.signal }).catch(() => {});
    }
  })();
  const result = await running.ended;
  over.abort();
  await watch;
  return { ...result, commandLines: [...seen].join('\n') };
}
