import { pino } from 'pino';
import { expect, test } from 'vitest';
import type { Batch } from '../../src/records/message.ts';
import { UnknownFields } from '../../src/worker/unknown-fields.ts';
import { definitionOf, otherEnvelope, SCHEMA_ID, schemasOf } from '../decode/avro/wire.ts';
import { llm, tts } from '../identify/samples.ts';
import { billable } from '../ledger/messages.ts';

test('a field that only the writer has is logged once for its schema, and its messages are counted', async () => {
  const schema = otherEnvelope((later) => {
    const field = { name: 'video_tokens', doc: '', type: 'long', default: 0 };
    definitionOf(later, 'LLMMetrics').fields.push(field);
  });
  const lines: string[] = [];
  const counted: number[] = [];
  const logger = pino({ base: null }, { write: (line) => lines.push(line) });
  const unknownFields = new UnknownFields(logger, (_, count) => counted.push(count));
  const batch = {
    topic: 't',
    partition: 0,
    messages: [llm(), llm(), tts()].map((m) => billable(m)),
  };

  const schemas = await schemasOf(schema);
  unknownFields.note(batch as unknown as Batch, [SCHEMA_ID], schemas);
  unknownFields.note(batch as unknown as Batch, [SCHEMA_ID], schemas);

  expect(counted).toEqual([2, 2]);
  expect(lines).toHaveLength(1);
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({
    schemaId: SCHEMA_ID,
    fields: ['LLMMetrics.video_tokens'],
  });
});
