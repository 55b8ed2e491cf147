import { readFileSync } from 'node:fs';

/** The lines of test/fixtures/vectors/<path>, parsed. JSON.parse keeps the sign of -0.0. */
export function recorded<T>(path: string): T[] {
  const file = new URL(`../fixtures/vectors/${path}`, import.meta.url);
  return readFileSync(file, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as T);
}

/** The versions of livekit-agents that answers were recorded of, and where they are. */
export const RECORDED_VERSIONS = [
  { version: '1.8.9', files: 'livekit-1.8.9/collector', logs: 379 },
  { version: '1.5.10', files: 'collector', logs: 331 },
] as const;

/**
 * The fields of `actual`, in order, as the version had them that `expected` was recorded of: those that
 * it lacked must be 0, but for STT, which it did not log although it had them.
 */
export function fieldsAsIn(expected: object, actual: object): [string, unknown][] {
  return Object.entries(actual).filter(([name, value]) => {
    const isNew = !(name in expected) && (value === 0 || NOT_LOGGED.has(name));
    return !isNew;
  });
}

const NOT_LOGGED = new Set(['input_tokens', 'output_tokens', 'total_tokens']);
