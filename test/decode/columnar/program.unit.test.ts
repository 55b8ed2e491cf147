import { expect, test } from 'vitest';
import { byteViewOf } from '../../../src/bytes/byte-view.ts';
import { parseSchema } from '../../../src/decode/avro/parse-schema.ts';
import type { Field } from '../../../src/decode/columnar/layout.ts';
import { compile } from '../../../src/decode/columnar/program.ts';
import { DECLINED } from '../../../src/decode/columnar/read-field.ts';
import { Registers } from '../../../src/decode/columnar/registers.ts';
import { double, string } from '../avro/wire.ts';

const field = (register: number, kind: Field['kind'], more: Partial<Field> = {}): Field => ({
  ...{ register, kind, isOptional: false, fallback: undefined },
  ...{ recordName: undefined, fields: new Map(), ...more },
});

/** Our record, as in the comment of `Program`. */
const TURN = {
  recordName: 'Turn',
  fields: new Map([
    ['at', field(0, 'double')],
    ['cancelled', field(1, 'boolean', { fallback: false })],
    ['id', field(2, 'string')],
    [
      'origin',
      field(3, 'record', {
        isOptional: true,
        recordName: 'Origin',
        fields: new Map([['model', field(4, 'string', { isOptional: true })]]),
      }),
    ],
  ]),
};

const writer = (...more: object[]) =>
  parseSchema({
    type: 'record',
    name: 'Turn',
    fields: [
      { name: 'at', type: 'double' },
      { name: 'region', type: 'string' },
      { name: 'id', type: 'string' },
      {
        name: 'origin',
        type: [
          'null',
          {
            type: 'record',
            name: 'Origin',
            fields: [{ name: 'model', type: ['null', 'string'] }],
          },
        ],
      },
      ...more,
    ],
  });

const FRONT = Buffer.concat([double(1.5), string('eu'), string('t-1')]);
const BYTES = Buffer.concat([FRONT, Buffer.from([2, 2]), string('m')]);

function read(bytes: Buffer, registers: Registers): number | undefined {
  const program = compile(writer(), TURN, true);
  return program?.read(byteViewOf(bytes), 0, bytes.length, registers);
}

test('the example in the comment of `Program` leaves in the registers what stands there', () => {
  const registers = new Registers(5);
  registers.numbers[1] = 1;
  expect(read(BYTES, registers)).toBe(19);
  expect([...registers.numbers]).toEqual([1.5, 0, 0, 1, 0]);
  expect([...registers.lengths]).toEqual([-1, -1, 3, 3, 1]);
  expect([2, 3, 4].map((register) => registers.starts[register])).toEqual([12, 16, 18]);
});

test('a null leaves nothing of the metric that was read before it', () => {
  const registers = new Registers(5);
  read(BYTES, registers);
  expect(read(Buffer.concat([FRONT, Buffer.from([0])]), registers)).toBe(16);
  expect([...registers.numbers]).toEqual([1.5, 0, 0, 0, 0]);
  expect([...registers.lengths]).toEqual([-1, -1, 3, -1, -1]);
});

test('a metric that ends early is declined, wherever it ends', () => {
  for (let length = 0; length < BYTES.length; length += 1) {
    expect(read(BYTES.subarray(0, length), new Registers(5)), `${length}`).toBe(DECLINED);
  }
});

test('a type without a step, or a field of ours that the writer must have, declines all', () => {
  expect(compile(writer({ name: 'extra', type: 'bytes' }), TURN, true)).toBeUndefined();
  const required = new Map([...TURN.fields, ['missing', field(5, 'long')]]);
  expect(compile(writer(), { ...TURN, fields: required }, true)).toBeUndefined();
});
