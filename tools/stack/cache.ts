import { access, mkdir, mkdtemp, open, rename, rm, stat, utimes } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { PathOwner } from './watchdog.ts';

const LOCK_TOUCHED_EVERY_MS = 1_000;
const LOCK_STALE_AFTER_MS = 15_000;
const LOCK_POLL_MS = 200;

/** Where downloads are kept between runs, outside any checkout. */
function cacheDirectory(env: NodeJS.ProcessEnv): string {
  return join(env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'usage-ledger');
}

/** True when the entry is there, whole. */
export async function isCached(env: NodeJS.ProcessEnv, name: string): Promise<boolean> {
  return await exists(join(cacheDirectory(env), name));
}

export interface CacheRequest {
  env: NodeJS.ProcessEnv;
  watchdog: PathOwner;
  /** Names the entry, version included: an entry never changes. */
  name: string;
  /** Makes the entry in an empty folder. */
  fill: (directory: string) => Promise<void>;
  /** Called when another process is filling the cache just now. */
  onWait: () => void;
}

/**
 * The folder of a cache entry, filled first if need be. It is filled under another name and then
 * renamed, so that it is there whole or not at all, whatever is interrupted.
 */
export async function cached(request: CacheRequest): Promise<string> {
  const { env, watchdog, name, fill, onWait } = request;
  const cache = cacheDirectory(env);
  const target = join(cache, name);
  if (await exists(target)) return target;

  await mkdir(cache, { recursive: true });
  // One download at a time. Two would do no harm to the entry, but to each other: Maven does not
  // promise that its own local repository stands two at once.
  const release = await lock(join(cache, '.lock'), watchdog, onWait);
  try {
    if (await exists(target)) return target;
    const partial = await mkdtemp(join(cache, '.partial-'));
    watchdog.own(partial);
    try {
      await fill(partial);
      await rename(partial, target).catch(async (error: unknown) => {
        if (!(await exists(target))) throw error;
      });
      return target;
    } finally {
      await rm(partial, { recursive: true, force: true });
      watchdog.disown(partial);
    }
  } finally {
    await release();
  }
}

async function lock(
  path: string,
  watchdog: PathOwner,
  onWait: () => void,
): Promise<() => Promise<void>> {
  for (let isWaiting = false; ; ) {
    if (watchdog.closed) throw new Error('The stack has been stopped');
    try {
      await (await open(path, 'wx')).close();
      break;
    } catch (error) {
      if (!isErrno(error, 'EEXIST')) throw error;
    }
    const touched = await stat(path).catch(() => undefined);
    if (touched !== undefined && Date.now() - touched.mtimeMs > LOCK_STALE_AFTER_MS) {
      await rm(path, { force: true });
      continue;
    }
    if (!isWaiting) onWait();
    isWaiting = true;
    await new Promise((resolve) => setTimeout(resolve, LOCK_POLL_MS));
  }
  try {
    watchdog.own(path);
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  }
  const touching = setInterval(() => {
    const now = new Date();
    utimes(path, now, now).catch(() => {});
  }, LOCK_TOUCHED_EVERY_MS);
  return async () => {
    clearInterval(touching);
    await rm(path, { force: true });
    watchdog.disown(path);
  };
}

async function exists(path: string): Promise<boolean> {
  return await access(path).then(
    () => true,
    () => false,
  );
}

function isErrno(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
