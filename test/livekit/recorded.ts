import { readFileSync } from 'node:fs';

/** The lines of test/fixtures/vectors/<path>, parsed. JSON.parse keeps the sign of -0.0. */
export function recorded<T>(path: string): T[] {
  const file = new URL(`../fixtures/vectors/${path}`, import.meta.url);
  return readFileSync(file, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as T);
}
