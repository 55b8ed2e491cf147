import { expect, test } from 'vitest';
import { isConnectionLost } from '../../src/postgres/errors.ts';

const coded = (code: string) => Object.assign(new Error('as the database says'), { code });

test.each(['08006', '25006', '25P03', '53100', '57P01', '58030', 'XX001', 'ECONNRESET', 'EPIPE'])(
  '%s: the connection is discarded',
  (code) => {
    expect(isConnectionLost(coded(code))).toBe(true);
  },
);

test.each(['22003', '23505', '40001', '40P01', '55P03', '42P01'])(
  '%s: the connection is used again',
  (code) => {
    expect(isConnectionLost(coded(code))).toBe(false);
  },
);

test('a connection without an answer is discarded, one on which something else failed is not', () => {
  expect(isConnectionLost(new Error('Query read timeout'))).toBe(true);
  expect(isConnectionLost(new Error('Connection terminated unexpectedly'))).toBe(true);
  expect(isConnectionLost(new Error('a topic does not answer'))).toBe(false);
});
