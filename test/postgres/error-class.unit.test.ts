import { expect, test } from 'vitest';
import { TryAgainError } from '../../src/errors.ts';
import { postgresErrorClass } from '../../src/postgres/error-class.ts';

const coded = (code: string) => Object.assign(new Error('failed'), { code });

test.each([
  [coded('57P01'), 'unavailable'],
  [coded('57014'), 'timeout'],
  [coded('53100'), 'resources'],
  [coded('53200'), 'resources'],
  [coded('40P01'), 'conflict'],
  [coded('55P03'), 'lock'],
  [coded('28P01'), 'authentication'],
  [coded('42501'), 'permission'],
  [coded('22003'), 'value'],
  [coded('42P01'), 'other'],
  [coded('ECONNREFUSED'), 'connection'],
  [coded('EPIPE'), 'connection'],
  [new Error('Query read timeout'), 'timeout'],
  [new Error('Connection terminated unexpectedly'), 'connection'],
  [new TryAgainError('the cache is stale'), undefined],
  [new TypeError('a bug'), undefined],
])('an error of Postgres has a class: %j', (error, found) => {
  expect(postgresErrorClass(error)).toBe(found);
});
