import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

export interface UnixUser {
  uid: number;
  gid: number;
}

/**
 * Whom Postgres, which refuses to run as root, runs as instead; undefined when this is not root.
 * `nobody` is everywhere; no user is made for this, since who would remove it again?
 */
export async function unprivilegedUser(): Promise<UnixUser | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  for (const name of ['postgres', 'nobody']) {
    const ids = await Promise.all([idOf('-u', name), idOf('-g', name)]).catch(() => undefined);
    if (ids !== undefined) return { uid: ids[0], gid: ids[1] };
  }
  throw new Error('Postgres can not run as root, and there is no user "postgres" or "nobody" here');
}

async function idOf(which: '-u' | '-g', name: string): Promise<number> {
  const { stdout } = await promisify(execFile)('id', [which, name]);
  return Number.parseInt(stdout, 10);
}
