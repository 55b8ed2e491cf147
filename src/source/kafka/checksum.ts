import { createRequire } from 'node:module';
import type * as Library from '@node-rs/crc32';

/**
 * The checksum of a record batch (CRC-32C); `undefined` on a platform for which the library has no
 * build: batches are then taken as they come, as kafkajs would do everywhere.
 */
export const crc32c: typeof Library.crc32c | undefined = load();

// Not awaited at the top of a module: those after it would load kafkajs before it is replaced.
function load(): typeof Library.crc32c | undefined {
  try {
    return (createRequire(import.meta.url)('@node-rs/crc32') as typeof Library).crc32c;
  } catch {
    return undefined;
  }
}
