import { describe, expect, test } from 'vitest';
import { eventTime } from '../../src/validate/validate.ts';

const recordMs = 1_760_000_000_123;
const seconds = (iso: string) => Date.parse(iso) / 1_000;

describe('the time of an event', () => {
  test('is its own, to the microsecond', () => {
    expect(eventTime(1_759_999_999.123456, recordMs)).toBe(1_759_999_999_123_456);
  });

  test.each(['2015-01-01T00:00:00Z', '2099-12-31T23:59:59Z'])('is its own at %s', (iso) => {
    expect(eventTime(seconds(iso), recordMs)).toBe(Date.parse(iso) * 1_000);
  });

  test.each([
    ['a monotonic clock', 12_345.678],
    ['zero', 0],
    ['negative', -1],
    ['milliseconds', recordMs],
    ['the last moment of 2014', seconds('2015-01-01T00:00:00Z') - 0.001],
    ['the first of 2100', seconds('2100-01-01T00:00:00Z')],
    ['huge', 1e300],
    ['not a number', Number.NaN],
    ['infinite', Number.POSITIVE_INFINITY],
  ])('is that of the record when its own is %s', (_, timestamp) => {
    expect(eventTime(timestamp, recordMs)).toBe(recordMs * 1_000);
  });

  test('is always one that the database can hold, whatever the record says', () => {
    expect(eventTime(0, -1)).toBe(0);
    expect(eventTime(0, 8.64e15)).toBe(Date.UTC(2100, 0) * 1_000);
  });
});
