import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ServiceStartError } from '../../../tools/stack/errors.ts';
import { startManaged } from '../../../tools/stack/managed-process.ts';
import { processTree } from '../../../tools/stack/process-tree.ts';
import type { SpawnSpec } from '../../../tools/stack/watchdog.ts';
import { Watchdog } from '../../../tools/stack/watchdog.ts';

function isWatchdog(pid: number): boolean {
  return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('watchdog-process.ts');
}

describe('the watchdog', () => {
  let watchdog: Watchdog;
  beforeEach(async () => {
    watchdog = await Watchdog.start();
  });
  afterEach(async () => {
    await watchdog.close();
  });

  const shell = (script: string): SpawnSpec => ({
    file: '/bin/sh',
    args: ['-c', script],
    env: {},
    log: join(watchdog.scratch, 'log'),
  });

  it('ends what it started, down to the grandchildren, and removes what it owns', async () => {
    const elsewhere = await mkdtemp(join(tmpdir(), 'usage-ledger-test-'));
    watchdog.own(elsewhere);
    await writeFile(join(watchdog.scratch, 'data'), '');
    // `exec` in none of them, so that the shell is a parent.
    const { pid, exited } = await watchdog.spawn(shell('trap "" TERM; sleep 1000; true'));
    await watchdog.close();
    await exited;
    expect(() => process.kill(pid, 0)).toThrow('ESRCH');
    expect(existsSync(watchdog.scratch)).toBe(false);
    expect(existsSync(elsewhere)).toBe(false);
    await expect(watchdog.spawn(shell('true'))).rejects.toThrow('The stack has been stopped');
  });

  it.skipIf(process.platform !== 'linux')(
    'that was killed itself leaves nothing once the program closes it',
    async () => {
      const { exited } = await watchdog.spawn(shell('sleep 1000; true'));
      const [child] = (await processTree(process.pid)).filter(isWatchdog);
      process.kill(child ?? 0, 'SIGKILL');
      await watchdog.close();
      await exited;
      expect(existsSync(watchdog.scratch)).toBe(false);
    },
  );

  it('says what a service that ends during its start had logged', async () => {
    const failure = await startManaged(watchdog, {
      label: 'Thing',
      stopSignal: 'SIGTERM',
      probe: () => Promise.reject(new Error('no answer')),
      spec: shell('echo "bind: Address already in use"; exit 7'),
    }).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(ServiceStartError);
    expect(failure).toMatchObject({
      portTaken: true,
      message:
        'Thing ended while it started (exit code 7). The end of its log:\n  | bind: Address already in use',
    });
  });

  it('says so when there is no such program', async () => {
    await expect(watchdog.spawn({ ...shell(''), file: '/no/such' })).rejects.toThrow('ENOENT');
  });
});
