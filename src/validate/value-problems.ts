/** What is wrong with one value, in words that name its field; `undefined`: nothing is. */

/** Ids and names with more characters (Unicode code points) than this are invalid. */
export const MAX_NAME_CHARACTERS = 1_024;

export function timestampProblem(timestamp: number): string | undefined {
  if (Number.isFinite(timestamp)) return undefined;
  return `timestamp is ${timestamp}; expected a finite number of seconds`;
}

export function durationProblem(name: string, value: number): string | undefined {
  if (value >= 0 && value < Number.POSITIVE_INFINITY) return undefined;
  return `${name} is ${value}; expected a finite number of seconds, not negative`;
}

export function countProblem(name: string, value: number): string | undefined {
  if (value >= 0 && value <= Number.MAX_SAFE_INTEGER) return undefined;
  return `${name} is ${value}; expected 0 to 2^53-1`;
}

export function nameProblem(
  name: string,
  value: string,
  most = MAX_NAME_CHARACTERS,
): string | undefined {
  if (value.length > most) {
    // Beyond the basic plane a character is two UTF-16 units.
    const characters = countCharacters(value);
    if (characters > most) return `${name} has ${characters} characters; expected at most ${most}`;
  }
  return textProblem(name, value);
}

/** Counted without an array of characters: the text may be a megabyte. */
function countCharacters(value: string): number {
  let count = 0;
  for (const _ of value) count += 1;
  return count;
}

export function optionalNameProblem(name: string, value: string | null): string | undefined {
  return value === null ? undefined : nameProblem(name, value);
}

export function textProblem(name: string, value: string): string | undefined {
  if (value.includes('\0')) return `${name} holds U+0000, which Postgres cannot store`;
  if (!value.isWellFormed()) return `${name} is not well-formed Unicode (UTF-8)`;
  return undefined;
}
