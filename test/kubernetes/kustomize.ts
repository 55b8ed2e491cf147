import { execFile, execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cached } from '../../tools/stack/cache.ts';
import { Watchdog } from '../../tools/stack/watchdog.ts';

const MODULE = 'sigs.k8s.io/kustomize/kustomize/v5';
const VERSION = 'v5.7.1';

/**
 * The command that renders a folder: `kustomize`, or `kubectl`, which contains it, or one built from its Go
 * module and kept in the cache. `undefined`: this machine has none of them, nor Go.
 */
export async function renderCommand(): Promise<string[] | undefined> {
  if (runs('kustomize', ['version'])) return ['kustomize', 'build'];
  if (runs('kubectl', ['version', '--client'])) return ['kubectl', 'kustomize'];
  if (!runs('go', ['version'])) return undefined;
  const watchdog = await Watchdog.start();
  try {
    const folder = await cached({
      env: process.env,
      watchdog,
      name: `kustomize-${VERSION}`,
      onWait: () => {},
      fill: async (directory) => {
        const env = { ...process.env, GOBIN: directory };
        await promisify(execFile)('go', ['install', `${MODULE}@${VERSION}`], { env });
      },
    });
    return [join(folder, 'kustomize'), 'build'];
  } finally {
    await watchdog.close();
  }
}

function runs(file: string, args: readonly string[]): boolean {
  try {
    execFileSync(file, args, { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
