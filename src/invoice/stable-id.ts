import { createHash } from 'node:crypto';

const ID_CHARACTERS = 32;

/** The id of a line or an export, from what it says: whoever exports it gets the same. */
export function stableId(prefix: string, parts: readonly (string | number)[]): string {
  const hash = createHash('sha256').update(JSON.stringify(parts)).digest('hex');
  return `${prefix}_${hash.slice(0, ID_CHARACTERS)}`;
}

export function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
