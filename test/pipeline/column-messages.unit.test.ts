import { expect, test } from 'vitest';
import { RecordBlock } from '../../src/consume/record-block.ts';
import type { Message } from '../../src/ledger/message.ts';
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

test('a message that was given back keeps nothing of its record', () => {
  const message = usualMessage(blockOf(llm(), 'one'), 0, schemas) as Message;
  giveBack([message]);
  expect(message).toMatchObject({ sessionId: '', values: new Float64Array(), model: '' });
  expect(() => message.record.value).not.toThrow();
  expect(message.record.value).toHaveLength(0);
});
