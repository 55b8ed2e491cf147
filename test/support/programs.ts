import { accessSync, constants, existsSync, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Debian has the programs of each version of Postgres, server and clients, in a folder of its own. */
const DEBIAN_POSTGRES = '/usr/lib/postgresql';

export function debianPostgresFolders(): string[] {
  if (!existsSync(DEBIAN_POSTGRES)) return [];
  const folders = readdirSync(DEBIAN_POSTGRES).map((major) => join(DEBIAN_POSTGRES, major, 'bin'));
  return folders.filter((bin) => existsSync(join(bin, 'initdb')));
}

/** Servers are often not on the PATH of a user. */
const ALSO = ['/usr/sbin', '/usr/local/sbin', ...debianPostgresFolders()];

/** The file of a program that is installed here; `undefined`: it is not. */
export function findProgram(name: string): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), ...ALSO];
  return folders
    .map((folder) => join(folder, name))
    .find((file) => {
      try {
        accessSync(file, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}
