import { expect, test } from 'vitest';
import { packRecords, RecordBlock } from '../../src/consume/record-block.ts';
import type { BillableMessage, Message } from '../../src/ledger/message.ts';
import { giveBack } from '../../src/pipeline/column-messages.ts';
import { usualMessage } from '../../src/pipeline/usual-message.ts';
import { loadEnvelopeSchema } from '../../src/schemas/load.ts';
import { envelope, framed, recordWith, schemasOf, written } from '../decode/wire.ts';
import { llm, stt, vad } from '../identify/samples.ts';

const ours = loadEnvelopeSchema();
const schemas = await schemasOf(ours);
const blockOf = (metric: Parameters<typeof envelope>[0], sessionId = 'call') =>
  RecordBlock.of([
    recordWith(framed(written(ours, { ...envelope(metric), session_id: sessionId }))),
  ]);

test('messages that were given back are filled anew, each with its own sort of record', () => {
  const first = usualMessage(blockOf(llm(), 'one'), 0, schemas) as Message;
  const ignored = usualMessage(blockOf(vad(), 'two'), 0, schemas) as Message;
  giveBack([first, ignored]);
  const again = usualMessage(blockOf(stt(), 'three'), 0, schemas);
  expect(again).toBe(first);
  expect(again).toMatchObject({ metricType: 'stt_metrics', sessionId: 'three' });
  expect(usualMessage(blockOf(vad(), 'four'), 0, schemas)).toBe(ignored);
  expect(usualMessage(blockOf(llm(), 'five'), 0, schemas)).not.toBe(first);
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
    const message = usualMessage(blockOf(llm(), 'one'), 0, schemas) as BillableMessage;
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
  const message = usualMessage(block, 0, schemas) as BillableMessage;
  const record = block.recordAt(0);
  block.release();
  expect(() => message.requestId).toThrow();
  expect(() => message.record.value).toThrow('a block of records was read after');
  for (const name of ['offset', 'timestamp', 'key', 'value'] as const) {
    expect(() => record[name]).toThrow('a block of records was read after it had been given back');
  }
  expect(() => usualMessage(block, 0, schemas)).toThrow('given back');
});
