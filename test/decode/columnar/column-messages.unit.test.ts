import { expect, test } from 'vitest';
import { AvroDecoder } from '../../../src/decode/avro/avro-decoder.ts';
import { giveBack } from '../../../src/decode/columnar/column-messages.ts';
import { ColumnarDecoder } from '../../../src/decode/columnar/columnar-decoder.ts';
import type { BillableMessage, Message } from '../../../src/records/message.ts';
import { packRecords, RecordBlock } from '../../../src/records/record-block.ts';
import { loadEnvelopeSchema } from '../../../src/schemas/load.ts';
import { llm, stt, vad } from '../../identify/samples.ts';
import { envelope, framed, recordWith, schemasOf, written } from '../avro/wire.ts';

const ours = loadEnvelopeSchema();
const schemas = await schemasOf(ours);
const decoder = new ColumnarDecoder(schemas, new AvroDecoder(schemas));
const blockOf = (metric: Parameters<typeof envelope>[0], sessionId = 'call') =>
  RecordBlock.of([
    recordWith(framed(written(ours, { ...envelope(metric), session_id: sessionId }))),
  ]);

test('messages that were given back are filled anew, each with its own sort of record', () => {
  const first = decoder.tryDecode(blockOf(llm(), 'one'), 0) as Message;
  const ignored = decoder.tryDecode(blockOf(vad(), 'two'), 0) as Message;
  giveBack([first, ignored]);
  const again = decoder.tryDecode(blockOf(stt(), 'three'), 0);
  expect(again).toBe(first);
  expect(again).toMatchObject({ metricType: 'stt_metrics', sessionId: 'three' });
  expect(decoder.tryDecode(blockOf(vad(), 'four'), 0)).toBe(ignored);
  expect(decoder.tryDecode(blockOf(llm(), 'five'), 0)).not.toBe(first);
});

test.each([
  'sessionId',
  'accountId',
  'attributes',
  'provider',
  'model',
  'requestId',
  'schemaId',
] as const)(
  'a message that was given back does not read as another one, nor as empty: %s',
  (name) => {
    const message = decoder.tryDecode(blockOf(llm(), 'one'), 0) as BillableMessage;
    expect(message[name]).toBeDefined();
    giveBack([message]);
    expect(() => message[name]).toThrow('a message was read after it had been given back');
    expect(() => message.values[message.valuesFrom]).toThrow('given back');
    expect(() => message.record).toThrow('given back');
  },
);

test('a message whose block was released does not read as empty, nor does the record of a dead letter', () => {
  const packed = packRecords([recordWith(framed(written(ours, envelope(llm()))))]);
  const shared = { memory: new SharedArrayBuffer(1), end: 0 };
  const block = new RecordBlock({ ...packed, shared }, undefined, () => {});
  const message = decoder.tryDecode(block, 0) as BillableMessage;
  const record = block.recordAt(0);
  block.release();
  expect(() => message.requestId).toThrow();
  expect(() => message.record.value).toThrow('a block of records was read after');
  for (const name of ['offset', 'timestamp', 'key', 'value'] as const) {
    expect(() => record[name]).toThrow('a block of records was read after it had been given back');
  }
  expect(() => decoder.tryDecode(block, 0)).toThrow('given back');
});
