import { describe, expect, test } from 'vitest';
import type { AgentMetrics } from '../../../src/livekit/types.ts';
import { RecordBlock } from '../../../src/records/record-block.ts';
import type { AvroField, AvroRecordSchema, AvroSchema } from '../../../src/schemas/avro-schema.ts';
import { loadEnvelopeSchema } from '../../../src/schemas/load.ts';
import { interruption, llm, realtime, stt, tts } from '../../identify/samples.ts';
import { schemaV1 } from '../../support/schemas-v1.ts';
import {
  definitionOf,
  envelope,
  framed,
  otherEnvelope,
  recordWith,
  schemasOf,
  written,
} from '../avro/wire.ts';
import type { DecoderOf } from './seen.ts';

const ours = loadEnvelopeSchema();
const before = schemaV1();
const field = (name: string, type: unknown, fallback: unknown) =>
  ({ name, doc: '', type, default: fallback }) as AvroField;

/** A schema that is one version ahead of ours. */
function laterEnvelope(): AvroRecordSchema {
  return otherEnvelope((schema) => {
    definitionOf(schema, 'STTMetrics').fields.push(
      field('noise', 'double', 0),
      field('turns', 'int', 0),
      field('voice', ['null', 'string'], null),
      field('isLocal', 'boolean', false),
    );
    definitionOf(schema, 'LLMMetrics').fields.push(
      field('extra_tokens', ['null', 'long'], null),
      field('tags', { type: 'array', items: 'string' } as AvroSchema, []),
    );
    definitionOf(schema, 'Metadata').fields.push(field('region', 'string', 'eu'));
  });
}

/** Which messages of other versions of the schema are the same event. */
export function describeVersions(decoderOf: DecoderOf): void {
  async function identified(schema: AvroRecordSchema, metric: object) {
    const record = recordWith(framed(written(schema, envelope(metric as AgentMetrics))));
    const message = decoderOf(await schemasOf(schema)).decode(RecordBlock.of([record]), 0);
    if (message.kind !== 'billable') throw new Error(`the message is ${message.kind}`);
    const { identityHigh, identityLow, fingerprintHigh, fingerprintLow } = message;
    return { identityHigh, identityLow, fingerprintHigh, fingerprintLow };
  }

  test.each([llm(), realtime(), stt(), tts(), interruption(), llm({ request_id: '' })])(
    'the bytes of before and of today are the same event: $type',
    async (metric) => {
      expect(await identified(before, metric)).toEqual(await identified(ours, metric));
    },
  );

  test('the sum that some writers derive is no part of an event', async () => {
    const tokens = { request_id: '', input_tokens: 2, output_tokens: 3 };
    const summed = await identified(ours, stt({ ...tokens, total_tokens: 5 }));
    expect(summed).toEqual(await identified(before, stt(tokens)));
  });

  const later = laterEnvelope();
  const metadata = { model_name: 'model', model_provider: 'provider', region: 'eu' };
  const laterFields = { noise: 0, turns: 0, voice: null, isLocal: false, metadata };

  describe('a field that only the writer has', () => {
    test('says nothing where it holds its default', async () => {
      expect(await identified(later, { ...stt(), ...laterFields })).toEqual(
        await identified(ours, stt()),
      );
    });

    test.each([
      { noise: 0.5 },
      { turns: -3 },
      { voice: 'low' },
      { voice: '' },
      { isLocal: true },
      { metadata: { ...metadata, region: 'us' } },
      { metadata: { ...metadata, region: 'x'.repeat(2_000) } },
    ])('is part of the event: %j', async (fields) => {
      const sent = await identified(later, { ...stt(), ...laterFields, ...fields });
      const plain = await identified(ours, stt());
      expect(sent.fingerprintLow).not.toBe(plain.fingerprintLow);
      expect(sent.identityLow).toBe(plain.identityLow);
    });

    test('is part of it, also next to one of a type that has no form', async () => {
      const of = (extra_tokens: number | null, tags: string[]) =>
        identified(later, { ...llm(), metadata, extra_tokens, tags });
      expect(await of(null, [])).toEqual(await identified(ours, llm()));
      expect(await of(null, ['a'])).toEqual(await identified(ours, llm()));
      expect(await of(7, [])).not.toEqual(await of(8, []));
    });
  });
}
