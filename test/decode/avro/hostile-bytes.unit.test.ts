import { describe, expect, test } from 'vitest';
import { Cursor } from '../../../src/decode/avro/cursor.ts';
import { parseSchema } from '../../../src/decode/avro/parse-schema.ts';
import { Resolver } from '../../../src/decode/avro/resolve.ts';
import { skip as skipValue } from '../../../src/decode/avro/skip.ts';
import type { AvroSchema } from '../../../src/schemas/avro-schema.ts';
import { loadMetricSchema } from '../../../src/schemas/load.ts';
import { double, long, string } from './wire.ts';

const resolver = new Resolver(loadMetricSchema('VADMetrics'));

/** Reads a value of ours that a writer wrote with `theirs`. */
const read = (ours: AvroSchema, bytes: readonly Buffer[], theirs: unknown = ours): unknown => {
  const cursor = new Cursor(Buffer.concat(bytes), 0);
  const value = resolver.resolve(ours, parseSchema(theirs))(cursor);
  expect(cursor.left).toBe(0);
  return value;
};

/** Reads what a writer had in a field that we do not have. */
const skip = (schema: unknown, ...bytes: Buffer[]) => {
  const cursor = new Cursor(Buffer.concat(bytes), 0);
  skipValue(cursor, parseSchema(schema));
  if (cursor.left > 0) throw new Error('trailing data');
};

const MAX = 2n ** 53n - 1n;

describe('a long', () => {
  test.each([0n, 1n, -1n, 2n ** 31n, -(2n ** 31n), 2n ** 52n, -(2n ** 52n), MAX - 1n, MAX])(
    'within 2^53-1 is exact: %d',
    (value) => {
      expect(read('long', [long(value)])).toBe(Number(value));
    },
  );

  test.each([MAX + 1n, MAX + 2n, 2n ** 54n + 1n, 2n ** 63n - 1n])(
    'beyond 2^53-1 never comes out as one within: %d',
    (value) => {
      expect(read('long', [long(value)])).toBeGreaterThan(Number.MAX_SAFE_INTEGER);
    },
  );

  // Its sign is the lowest bit of what is on the wire, which doubles lose beyond 2^53.
  test.each([-(2n ** 52n) - 1n, -MAX, -(2n ** 53n) - 1n, -(2n ** 63n)])(
    'that is negative stays negative: %d',
    (value) => {
      expect(read('long', [long(value)])).toBeLessThan(0);
    },
  );

  test('of more bytes than a long can have is refused, and does not hang', () => {
    const endless = Buffer.concat([Buffer.alloc(100_000, 0x80), Buffer.from([1])]);
    expect(() => read('long', [endless])).toThrow('more than 64 bits');
  });
});

describe('a string', () => {
  test.each([
    '',
    'plain',
    'é',
    '𐍈',
    '\u{10ffff}',
    '\uFFFD',
    'before \uFFFD after',
    '\uFEFFbom',
    '\0',
  ])('that is UTF-8 comes out as it is: %j', (text) => {
    expect(read('string', [string(text)])).toBe(text);
    expect(read('string', [string(text.repeat(100))])).toBe(text.repeat(100));
  });

  test.each([
    ['a byte that begins nothing', [0x61, 0xff, 0x62]],
    ['a character that is cut short', [0xe2, 0x82]],
    ['an overlong form', [0xc0, 0xaf]],
    ['half a surrogate pair', [0xed, 0xa0, 0x80]],
    ['a character beyond U+10FFFF', [0xf4, 0x90, 0x80, 0x80]],
    ['a genuine U+FFFD before a bad byte', [0xef, 0xbf, 0xbd, 0xff]],
  ])('that is not UTF-8 is noted under the name of its field: %s', (_, bytes) => {
    for (const theirs of ['string', 'bytes']) {
      const cursor = new Cursor(Buffer.concat([string('a'), string(Buffer.from(bytes))]), 0);
      const readText = resolver.resolve('string', parseSchema(theirs));
      cursor.field = 'label';
      readText(cursor);
      expect(cursor.notUtf8).toEqual([]);
      cursor.field = 'request_id';
      readText(cursor);
      expect(cursor.notUtf8).toEqual(['request_id']);
    }
  });

  test.each([2n ** 31n, 2n ** 40n, 2n ** 62n, -1n, -(2n ** 62n)])(
    'of a length that the message does not have is refused: %d',
    (length) => {
      const bytes = [long(length), Buffer.from('abc')];
      expect(() => read('string', bytes)).toThrow();
      expect(() => read('string', bytes, 'bytes')).toThrow();
      expect(() => skip('string', ...bytes)).toThrow();
    },
  );
});

describe('a map', () => {
  const schema: AvroSchema = { type: 'map', values: 'string' };

  test('may come in several blocks, with and without their size', () => {
    const one = Buffer.concat([string('a'), string('1')]);
    const two = Buffer.concat([string('b'), string('2'), string('c'), string('3')]);
    const map = [long(1), one, long(-2), long(two.length), two, long(0)];
    expect({ ...(read(schema, map) as object) }).toEqual({ a: '1', b: '2', c: '3' });
    skip(schema, ...map);
  });

  test('may have any key, `__proto__` and `constructor` too', () => {
    const entries = [string('__proto__'), string('x'), string('constructor'), string('y')];
    const map = read(schema, [long(2), ...entries, long(0)]) as object;
    expect(Object.entries(map)).toEqual([
      ['__proto__', 'x'],
      ['constructor', 'y'],
    ]);
    expect(({} as Record<string, unknown>)['x']).toBeUndefined();
  });
});

test('an array may come in several blocks, with and without their size', () => {
  const schema = { type: 'array', items: 'double' };
  skip(schema, long(1), double(0.5), long(-1), long(8), double(0.25), long(0));
});

describe('a length bomb is refused at once and without memory', () => {
  const nothing = { type: 'record', name: 'Nothing', fields: [] };
  const schemas = {
    map: { type: 'map', values: 'string' },
    'map of null': { type: 'map', values: 'null' },
    array: { type: 'array', items: 'string' },
    'array of null': { type: 'array', items: 'null' },
    'array of an empty record': { type: 'array', items: nothing },
    'array of arrays': { type: 'array', items: { type: 'array', items: 'null' } },
  };
  const bombs = {
    'a count of 2^60': [long(2n ** 60n)],
    'a count just beyond the message': [long(70)],
    'a count of -2^60': [long(-(2n ** 60n)), long(8)],
    'a negative size': [long(-5), long(-(2n ** 40n))],
    'a size of 2^60': [long(-5), long(2n ** 60n)],
    'a second block of 2^60': [long(-1), long(0), long(2n ** 60n)],
  };
  const cases = Object.entries(schemas).flatMap(([kind, schema]) =>
    Object.entries(bombs).map(([name, bytes]) => ({ kind, schema, name, bytes })),
  );

  test.each(cases)('$kind: $name', ({ kind, schema, bytes }) => {
    const heap = process.memoryUsage();
    const begun = performance.now();
    // What follows the bomb fits no reading of it: whichever way, the whole is refused.
    const tail = Buffer.alloc(64, 1);
    expect(() => skip(schema, ...bytes, tail)).toThrow();
    if (kind === 'map') {
      const map: AvroSchema = { type: 'map', values: 'string' };
      expect(() => read(map, [...bytes, tail])).toThrow();
    }
    expect(performance.now() - begun).toBeLessThan(500);
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    expect(heapUsed + arrayBuffers - heap.heapUsed - heap.arrayBuffers).toBeLessThan(50_000_000);
  });

  // A count within the message is no bound for items that take no bytes of it.
  test.each(['null', nothing])('many blocks of items without bytes: %j', (items) => {
    const schema = { type: 'array', items: { type: 'array', items } };
    const inner = Buffer.concat([long(150_000), long(0)]);
    const blocks = [...new Array<Buffer>(50_000).fill(inner), Buffer.alloc(200_000)];
    const bytes = [long(250_000), ...blocks, long(0)];
    const begun = performance.now();
    skip(schema, ...bytes);
    expect(performance.now() - begun).toBeLessThan(1_000);
  });

  test('records nested deeper than the stack are refused, not a crash', () => {
    const list = {
      type: 'record',
      name: 'List',
      fields: [{ name: 'next', type: ['null', 'List'] }],
    };
    expect(() => skip(list, Buffer.alloc(1_000_000, 2), Buffer.from([0]))).toThrow();
  });
});
