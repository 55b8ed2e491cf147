import { describe, expect, test } from 'vitest';
import { isRefusedByPostgres, isTransient } from '../../src/postgres/errors.ts';

const coded = (code: string, message = 'as the database says') =>
  Object.assign(new Error(message), { code });

function classOf(error: unknown): string {
  return [isRefusedByPostgres(error) && 'refused', isTransient(error) && 'transient']
    .filter(Boolean)
    .join(' and ');
}

describe('an SQLSTATE', () => {
  test.each([
    ['22003', 'a number out of range'],
    ['22P02', 'a text that is no number'],
    ['22021', 'a character that is not of the encoding'],
    ['22P05', 'a character that cannot be translated'],
    ['22008', 'a time out of range'],
    ['54000', 'an index row that is too large'],
  ])('%s refuses the value: %s', (code) => {
    expect(classOf(coded(code))).toBe('refused');
  });

  test.each([
    ['08006', 'the connection failed'],
    ['08P01', 'the connection broke within a message'],
    ['25006', 'the server is read-only, after a failover'],
    ['25P03', 'idle in transaction for too long'],
    ['40001', 'a serialization failure'],
    ['40P01', 'a deadlock'],
    ['53100', 'the disk is full'],
    ['53300', 'too many connections'],
    ['55P03', 'a lock is not available'],
    ['57014', 'the statement was cancelled'],
    ['57P01', 'the server is shutting down'],
    ['57P03', 'the server is starting up'],
    ['58030', 'I/O error'],
    ['26000', 'a prepared statement is on another backend'],
    ['42P05', 'a prepared statement is there already'],
    ['XX001', 'a damaged block'],
    ['28000', 'refused while the server is being set up'],
    ['28P01', 'a password that is being changed'],
    ['3D000', 'no such database yet'],
  ])('%s is transient: %s', (code) => {
    expect(classOf(coded(code))).toBe('transient');
  });

  test.each([
    ['42P01', 'no such table'],
    ['42501', 'not allowed'],
    ['42601', 'a syntax error'],
    ['0A000', 'not supported'],
    ['P0001', 'raised by a function'],
    ['55000', 'an object that is not ready'],
    ['22P03', 'a binary form of this program'],
    ['22007', 'a time as this program writes it'],
    ['22012', 'a division in a statement'],
    ['23502', 'null where there must be a value'],
    ['23505', 'a duplicate key'],
    ['23514', 'a check that does not hold'],
    ['54001', 'a statement that is too complex'],
  ])('%s is neither: a bug, which stops the worker: %s', (code) => {
    expect(classOf(coded(code))).toBe('');
  });
});

describe('an error of the network', () => {
  test.each([
    'ECONNREFUSED',
    'ECONNRESET',
    'ECONNABORTED',
    'EPIPE',
    'ETIMEDOUT',
    'EHOSTUNREACH',
    'ENETUNREACH',
    'ENOTFOUND',
    'EAI_AGAIN',
  ])('%s is transient', (code) => {
    expect(classOf(coded(code))).toBe('transient');
  });

  test('of several addresses is transient if one of them is', () => {
    const transient = coded('ECONNREFUSED');
    expect(classOf(new AggregateError([coded('EACCES'), transient]))).toBe('transient');
    expect(classOf(new AggregateError([coded('EACCES')]))).toBe('');
    expect(classOf(new AggregateError([]))).toBe('');
  });

  test.each([
    'Connection terminated',
    'Connection terminated unexpectedly',
    'Connection terminated due to connection timeout',
    'timeout exceeded when trying to connect',
    'Client has encountered a connection error and is not queryable',
    'Query read timeout',
    'Client was closed and is not queryable',
  ])('without a code is transient by the message of the driver: %s', (message) => {
    expect(classOf(new Error(message))).toBe('transient');
  });
});

test.each([
  new Error('duplicate key value'),
  new TypeError('x is not a function'),
  coded('ERR_ASSERTION'),
  coded('ERROR'),
  coded('22'),
  { code: 22003 },
  undefined,
  null,
  'Connection terminated',
  23,
])('anything else is a bug, and classifying it never throws: %s', (error) => {
  expect(classOf(error)).toBe('');
});
