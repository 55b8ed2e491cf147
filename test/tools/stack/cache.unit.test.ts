import { mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { cached } from '../../../tools/stack/cache.ts';
import type { PathOwner } from '../../../tools/stack/watchdog.ts';

function fakeWatchdog(): PathOwner & { owned: Set<string> } {
  const owned = new Set<string>();
  return {
    owned,
    closed: false,
    own: (path) => void owned.add(path),
    disown: (path) => void owned.delete(path),
  };
}

describe('cached', () => {
  let home: string;
  let watchdog: ReturnType<typeof fakeWatchdog>;
  beforeEach(async () => {
    home = await mkdtemp(join(tmpdir(), 'usage-ledger-test-'));
    watchdog = fakeWatchdog();
  });
  afterEach(async () => {
    await rm(home, { recursive: true });
  });

  const get = (fill: (directory: string) => Promise<void>, onWait = () => {}) =>
    cached({ env: { XDG_CACHE_HOME: home }, watchdog, name: 'thing-1', fill, onWait });

  it('fills an entry once', async () => {
    const directory = await get(async (at) => await writeFile(join(at, 'file'), 'content'));
    expect(directory).toBe(join(home, 'usage-ledger', 'thing-1'));
    expect(await readFile(join(directory, 'file'), 'utf8')).toBe('content');
    expect(await get(() => Promise.reject(new Error('filled twice')))).toBe(directory);
    expect(watchdog.owned).toEqual(new Set());
  });

  it('leaves nothing of a fill that failed', async () => {
    const failing = get(async (at) => {
      await writeFile(join(at, 'half'), '');
      throw new Error('interrupted');
    });
    await expect(failing).rejects.toThrow('interrupted');
    expect(await readdir(join(home, 'usage-ledger'))).toEqual([]);
    expect(watchdog.owned).toEqual(new Set());
  });

  it('has whatever is half done removed by the watchdog if this process dies', async () => {
    await get(async (at) => {
      const lock = join(home, 'usage-ledger', '.lock');
      expect(watchdog.owned).toEqual(new Set([at, lock]));
    });
  });

  it('lets the second of two wait for the first', async () => {
    let fills = 0;
    let waits = 0;
    const fill = async () => {
      fills += 1;
      await new Promise((resolve) => setTimeout(resolve, 300));
    };
    const onWait = () => {
      waits += 1;
    };
    const [one, two] = await Promise.all([get(fill, onWait), get(fill, onWait)]);
    expect(one).toBe(two);
    expect({ fills, waits }).toEqual({ fills: 1, waits: 1 });
  });

  it('takes over the lock of a process that is gone', async () => {
    await get(async () => {});
    await rm(join(home, 'usage-ledger', 'thing-1'), { recursive: true });
    const lock = join(home, 'usage-ledger', '.lock');
    await writeFile(lock, '');
    const longAgo = new Date(Date.now() - 60_000);
    await utimes(lock, longAgo, longAgo);
    await get(async () => {});
    expect(await readdir(join(home, 'usage-ledger'))).toEqual(['thing-1']);
  });
});
