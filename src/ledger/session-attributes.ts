import { MAX_SESSION_ATTRIBUTES, type SessionBatch } from './session-batch.ts';

const NONE: ReadonlySet<string> = new Set();

/** Names of the attributes that the session has after the batch. */
export function attributesAfter({ state, attributes }: SessionBatch): ReadonlySet<string> {
  const known = state?.attributes ?? NONE;
  for (const name in attributes) {
    if (!known.has(name)) return new Set([...known, ...Object.keys(attributes)]);
  }
  return known;
}

/** The attributes that the session is not known to have, as JSON. */
export function newAttributes({ state, attributes }: SessionBatch): string {
  if (attributes === undefined) return '{}';
  if (state === undefined) return JSON.stringify(attributes);
  let added: Record<string, string> | undefined;
  for (const name in attributes) {
    if (state.attributes.has(name)) continue;
    added ??= Object.create(null) as Record<string, string>;
    added[name] = attributes[name] ?? '';
  }
  return added === undefined ? '{}' : JSON.stringify(added);
}

/** Whether the row of a locked session shows that attributes were judged by a stale cache. */
export function attributesAreStale({ state, attributes }: SessionBatch): boolean {
  if (state === undefined || attributes === undefined) return false;
  if (state.attributes.size > MAX_SESSION_ATTRIBUTES) return true;
  for (const name in attributes) if (!state.attributes.has(name)) return true;
  return false;
}
