import { existsSync } from 'node:fs';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ServiceStartError } from '../../../tools/stack/errors.ts';
import { type Guardian, startGuardian } from '../../../tools/stack/guardian-client.ts';
import type { SpawnSpec } from '../../../tools/stack/guardian-protocol.ts';
import { startManaged } from '../../../tools/stack/managed-process.ts';

describe('the guardian', () => {
  let guardian: Guardian;
  beforeEach(async () => {
    guardian = await startGuardian();
  });
  afterEach(async () => {
    await guardian.close();
  });

  const shell = (script: string): SpawnSpec => ({
    file: '/bin/sh',
    args: ['-c', script],
    env: {},
    log: join(guardian.scratch, 'log'),
  });

  it('ends what it started, down to the grandchildren, and removes what it owns', async () => {
    const elsewhere = await mkdtemp(join(tmpdir(), 'usage-ledger-test-'));
    await guardian.own(elsewhere);
    await writeFile(join(guardian.scratch, 'data'), '');
    // `exec` in none of them, so that the shell is a parent.
    const { pid, exited } = await guardian.spawn(shell('trap "" TERM; sleep 1000; true'));
    await guardian.close();
    await exited;
    expect(() => process.kill(pid, 0)).toThrow('ESRCH');
    expect(existsSync(guardian.scratch)).toBe(false);
    expect(existsSync(elsewhere)).toBe(false);
    await expect(guardian.spawn(shell('true'))).rejects.toThrow('The stack has been stopped');
  });

  it('says what a service that ends during its start had logged', async () => {
    const failure = await startManaged(guardian, {
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
    await expect(guardian.spawn({ ...shell(''), file: '/no/such' })).rejects.toThrow('ENOENT');
  });
});
