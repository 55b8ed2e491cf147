import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { processTree } from '../../../tools/stack/process-tree.ts';

const MAIN = fileURLToPath(new URL('../../../tools/stack/main.ts', import.meta.url));

/** `npm run stack` without npm, once it has said that all is up. */
async function runMain(): Promise<{ main: ChildProcess; stdout: () => string }> {
  const main = spawn(process.execPath, ['--import', 'tsx', MAIN], {
    env: { ...process.env, USAGE_LEDGER_STACK: 'local' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  main.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString();
  });
  main.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  await vi.waitFor(
    () => {
      if (main.exitCode !== null) throw new Error(stderr);
      expect(stdout).toContain('DATABASE_URL');
    },
    { timeout: 100_000, interval: 50 },
  );
  return { main, stdout: () => stdout };
}

/** The folder with all data, out of the command line of the Kafka that uses it. */
async function scratchOf(pids: readonly number[]): Promise<string> {
  const lines = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8')));
  const found = /(\S*\/usage-ledger-[A-Za-z0-9]+)\/kafka\/tmp/.exec(lines.join(' '))?.[1];
  if (found === undefined) throw new Error(`Kafka is not among ${lines.join('\n')}`);
  return found.replace(/^.*=/, '');
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

describe.skipIf(process.platform !== 'linux')('when the program that started a stack ends', () => {
  let main: ChildProcess | undefined;
  afterEach(() => {
    main?.kill('SIGKILL');
  });

  it.each(['SIGINT', 'SIGKILL'] as const)('by %s, nothing is left', async (signal) => {
    const running = await runMain();
    main = running.main;
    expect(running.stdout()).toMatch(
      /^export KAFKA_BROKERS='\S+'\nexport SCHEMA_REGISTRY_URL='\S+'\nexport DATABASE_URL='\S+'\n$/,
    );
    const tree = (await processTree(main.pid ?? 0)).filter((pid) => pid !== main?.pid);
    const scratch = await scratchOf(tree);
    // The watchdog, two JVMs and Postgres with its children.
    expect(tree.length).toBeGreaterThan(4);
    expect(existsSync(scratch)).toBe(true);

    main.kill(signal);
    await vi.waitFor(
      () => {
        expect(tree.filter(isAlive)).toEqual([]);
        expect(existsSync(scratch)).toBe(false);
      },
      { timeout: 10_000, interval: 50 },
    );
  });
});
