import { expect, test } from 'vitest';
import { isConnectionSpoilt } from '../../src/postgres/sql-errors.ts';

const coded = (code: string) => Object.assign(new Error('as it says'), { code });

test.each(['08006', '25006', '25P03', '53100', '57P01', '58030', 'XX001', 'ECONNRESET'])(
  '%s: another connection may fare better',
  (code) => {
    expect(isConnectionSpoilt(coded(code))).toBe(true);
  },
);

test.each(['22003', '23505', '40001', '40P01', '55P03', '42P01'])(
  '%s leaves the connection as good as it was',
  (code) => {
    expect(isConnectionSpoilt(coded(code))).toBe(false);
  },
);

test('a connection without an answer is given up, an error that is none of its own is not', () => {
  expect(isConnectionSpoilt(new Error('Query read timeout'))).toBe(true);
  expect(isConnectionSpoilt(new Error('Connection terminated unexpectedly'))).toBe(true);
  expect(isConnectionSpoilt(new Error('a topic does not answer'))).toBe(false);
});
