import { expect, test } from 'vitest';
import { giveBack } from '../../../src/decode/columnar/column-messages.ts';
import { fastMessage } from '../../../src/decode/columnar/fast-message.ts';
import type { BillableMessage, Message } from '../../../src/records/message.ts';
import { packRecords, RecordBlock } from '../../../src/records/record-block.ts';
import { loadEnvelopeSchema } from '../../../src/schemas/load.ts';
import { llm, stt, vad } from '../../identify/samples.ts';
import { envelope, framed, recordWith, schemasOf, written } from '../avro/wire.ts';

const ours = loadEnvelopeSchema();
const schemas = await schemasOf(ours);
const blockOf = (metric: Parameters<typeof envelope>[0], sessionId = 'call') =>
  RecordBlock.of([
    recordWith(framed(written(ours, { ...envelope(metric), session_id: sessionId }))),
  ]);

test('messages that were given back are filled anew, each with its own sort of record', () => {
  const first = fastMessage(blockOf(llm(), 'one'), 0, schemas) as Message;
  const ignored = fastMessage(blockOf(vad(), 'two'), 0, schemas) as Message;
  giveBack([first, ignored]);
  const again = fastMessage(blockOf(stt(), 'three'), 0, schemas);
  expect(again).toBe(first);
  expect(again).toMatchObject({ metricType: 'stt_metrics', sessionId: 'three' });
  expect(fastMessage(blockOf(vad(), 'four'), 0, schemas)).toBe(ignored);
  expect(fastMessage(blockOf(llm(), 'five'), 0, schemas)).not.toBe(first);
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
    const message = fastMessage(blockOf(llm(), 'one'), 0, schemas) as BillableMessage;
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
  const message = fastMessage(block, 0, schemas) as BillableMessage;
  const record = block.recordAt(0);
  block.release();
  expect(() => message.requestId).toThrow();
  expect(() => message.record.value).toThrow('a block of records was read after');
  for (const name of ['offset', 'timestamp', 'key', 'value'] as const) {
    expect(() => record[name]).toThrow('a block of records was read after it had been given back');
  }
  expect(() => fastMessage(block, 0, schemas)).toThrow('given back');
});
