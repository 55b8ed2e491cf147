import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Servers are often not on the PATH of a user. */
const ALSO = ['/usr/sbin', '/usr/local/sbin'];

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
