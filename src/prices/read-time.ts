const TIME =
  /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2})(?::(\d{2})(?:\.(\d{1,6}))?)?(Z|[+-]\d{2}(?::?\d{2})?))?$/;

/**
 * A time in ISO 8601, or as Postgres prints it. A day alone is its first moment in UTC.
 *
 * @returns milliseconds since 1970; `undefined`: it is none, has no time zone, or is finer than that
 */
export function readTime(text: string): number | undefined {
  const match = TIME.exec(text.trim());
  if (match === null) return undefined;
  const [, day = '', minutes = '00:00', seconds = '00', fraction = '', zone = 'Z'] = match;
  if (!/^0*$/.test(fraction.slice(3))) return undefined;
  if (!isDay(day)) return undefined;
  const [hours, offset] = zone === 'Z' ? ['', 'Z'] : [zone.slice(0, 3), zone.slice(3)];
  const place = hours === '' ? offset : `${hours}:${offset.replace(':', '') || '00'}`;
  const time = Date.parse(
    `${day}T${minutes}:${seconds}.${fraction.padEnd(3, '0').slice(0, 3)}${place}`,
  );
  return Number.isNaN(time) ? undefined : time;
}

/** JavaScript takes the 31st of a shorter month for a day of the next one. */
function isDay(day: string): boolean {
  const date = new Date(`${day}T00:00:00Z`);
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(day);
}
