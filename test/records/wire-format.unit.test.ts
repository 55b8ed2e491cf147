import { describe, expect, test } from 'vitest';
import { isPossibleSchemaId, schemaIdOf } from '../../src/records/wire-format.ts';

describe('schemaIdOf', () => {
  test.each([
    ['no byte', []],
    ['four bytes', [0, 0, 0, 1]],
    ['another magic byte', [1, 0, 0, 0, 1, 2]],
    ['JSON', [...Buffer.from('{"session_id":"call"}')]],
  ])('is undefined for %s', (_, bytes) => {
    expect(schemaIdOf(Buffer.from(bytes))).toBeUndefined();
  });

  test('reads four bytes, big-endian and without a sign', () => {
    expect(schemaIdOf(Buffer.from([0, 0, 0, 1, 2]))).toBe(0x102);
    expect(schemaIdOf(Buffer.from([0, 0xff, 0xff, 0xff, 0xff]))).toBe(0xffff_ffff);
  });
});

test.each([
  [0, false],
  [1, true],
  [0x7fff_ffff, true],
  [0x8000_0000, false],
  [0xffff_ffff, false],
])('whether a registry may have given out id %d: %j', (id, expected) => {
  expect(isPossibleSchemaId(id)).toBe(expected);
});
