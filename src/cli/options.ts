import { InvalidArgumentError } from 'commander';
import { WrongUsageError } from '../errors.ts';

/** Parsers of option values; what they throw ends the command with exit 2. */

export function wholeNumber(min: number, max = Number.MAX_SAFE_INTEGER) {
  return (value: string): number => {
    const number = Number(value);
    if (!/^\d+$/.test(value) || number < min || number > max) {
      const range = max === Number.MAX_SAFE_INTEGER ? `${min} or more` : `${min} to ${max}`;
      throw new InvalidArgumentError(`Expected a whole number, ${range}.`);
    }
    return number;
  };
}

export function share(value: string): number {
  const number = Number(value);
  if (value.trim() === '' || !(number >= 0 && number <= 1)) {
    throw new InvalidArgumentError('Expected a number from 0 to 1.');
  }
  return number;
}

/** A day of UTC, as `2026-11-30`. */
export function day(value: string): string {
  const time = new Date(`${value}T00:00:00Z`);
  const isDay = !Number.isNaN(time.getTime()) && time.toISOString().slice(0, 10) === value;
  if (!isDay) throw new InvalidArgumentError('Expected a day such as 2026-11-30.');
  return value;
}

export function time(value: string): Date {
  const date = new Date(value);
  if (Number.isNaN(date.getTime())) {
    throw new InvalidArgumentError('Expected a time such as 2026-11-24T12:00:00Z.');
  }
  return date;
}

/**
 * Requires a range of time that is not empty: an empty one would always pass a check.
 *
 * @throws {WrongUsageError} when the end is not after the beginning
 */
export function requireRange(
  since: Date | undefined,
  until: Date | undefined,
  names = { since: '--since', until: '--until' },
): void {
  if (since === undefined || until === undefined || since < until) return;
  throw new WrongUsageError(
    `${names.until} ${until.toISOString()}: expected a time after ${names.since} ${since.toISOString()}`,
  );
}
