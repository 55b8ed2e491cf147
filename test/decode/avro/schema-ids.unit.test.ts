import { expect, test } from 'vitest';
import { schemaIdsOf } from '../../../src/decode/avro/decode.ts';
import { framed, recordWith } from './wire.ts';

test('the ids to be loaded are those of framed values, each once', () => {
  const payload = Buffer.from([1, 2, 3]);
  const values = [
    null,
    Buffer.alloc(3),
    framed(payload, 9),
    framed(payload, 8),
    framed(payload, 9),
  ];
  expect([...schemaIdsOf(values.map((value) => recordWith(value)))]).toEqual([9, 8]);
});
