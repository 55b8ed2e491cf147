import { expect, test } from 'vitest';
import { AvroDecoder } from '../../../src/decode/avro/avro-decoder.ts';
import { ColumnarDecoder } from '../../../src/decode/columnar/columnar-decoder.ts';
import type { BillableMessage } from '../../../src/records/message.ts';
import { packRecords, RecordBlock } from '../../../src/records/record-block.ts';
import { loadEnvelopeSchema } from '../../../src/schemas/load.ts';
import { llm } from '../../identify/samples.ts';
import { envelope, framed, recordWith, schemasOf, written } from '../avro/wire.ts';

const ours = loadEnvelopeSchema();
const schemas = await schemasOf(ours);
const decoder = new ColumnarDecoder(schemas, new AvroDecoder(schemas));

test('a message whose block was released does not read as empty, nor does the record of a dead letter', () => {
  const packed = packRecords([recordWith(framed(written(ours, envelope(llm()))))]);
  const shared = { memory: new SharedArrayBuffer(1), end: 0 };
  const block = new RecordBlock({ ...packed, shared }, undefined, () => {});
  const message = decoder.tryDecode(block, 0) as BillableMessage;
  const record = block.recordAt(0);
  block.release();
  for (const name of ['requestId', 'schemaId', 'timestamp', 'values'] as const) {
    expect(() => message[name], name).toThrow();
  }
  expect(() => message.record.value).toThrow('a block of records was read after');
  for (const name of ['offset', 'timestamp', 'key', 'value'] as const) {
    expect(() => record[name]).toThrow('a block of records was read after it had been given back');
  }
  expect(() => decoder.tryDecode(block, 0)).toThrow('given back');
});

test('the time of a message is that of its record', () => {
  const values = [llm(), llm({ request_id: 'other' })];
  const records = values.map((metric, offset) => {
    return {
      ...recordWith(framed(written(ours, envelope(metric)))),
      offset,
      timestamp: 5_000 + offset,
    };
  });
  const block = new RecordBlock(packRecords(records));
  const times = values.map((_, index) => decoder.tryDecode(block, index)?.timestamp);
  expect(times).toEqual([5_000, 5_001]);
});
