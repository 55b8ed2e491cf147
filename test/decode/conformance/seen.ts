import { expect } from 'vitest';
import type { SchemaEntries } from '../../../src/decode/avro/schema-cache.ts';
import type { MessageDecoder } from '../../../src/decode/message-decoder.ts';
import { identify, requestIdOf } from '../../../src/identify/identity.ts';
import { measuredValues } from '../../../src/livekit/measured-fields.ts';
import type { AgentMetrics } from '../../../src/livekit/types.ts';
import { usageValues } from '../../../src/livekit/usage-of.ts';
import type { ConsumedRecord } from '../../../src/records/consumed-record.ts';
import type { BillableMessage, Message } from '../../../src/records/message.ts';
import { RecordBlock } from '../../../src/records/record-block.ts';
import { measuredOf, valuesOf } from '../../support/messages.ts';
import { framed, recordWith, schemasOf } from '../avro/wire.ts';

/** Makes the decoder under test for records whose schemas are these. */
export type DecoderOf = (schemas: SchemaEntries) => MessageDecoder;

/** What a message says, without where it reads it from. */
export interface Seen {
  readonly kind: Message['kind'];
  readonly reason?: string;
  readonly detail?: string;
  readonly schemaId?: number | null;
  readonly sessionId?: string | undefined;
  readonly accountId?: string | null | undefined;
  readonly attributes?: object;
  readonly eventUs?: number | undefined;
  /** Of a billable message. */
  readonly metric?: AgentMetrics;
}

/** What `decoderOf` makes of one record. */
export function seen(decoderOf: DecoderOf, record: ConsumedRecord, schemas: SchemaEntries): Seen {
  const decoder = decoderOf(schemas);
  const message = decoder.decode(RecordBlock.of([record]), 0);
  const { kind } = message;
  expect(message.offset).toBe(record.offset);
  expect(message.record.value?.toString('hex')).toBe(record.value?.toString('hex'));
  if (kind === 'dead_letter') {
    const { reason, detail, schemaId } = message;
    return { kind, reason, detail, schemaId };
  }
  const session = kind === 'billable' ? message : message.session;
  if (session === undefined) return { kind };
  const { sessionId, accountId, attributes, eventUs } = session;
  const said = { kind, sessionId, accountId, attributes: { ...attributes }, eventUs };
  if (kind === 'ignored') return said;
  const metric = decoder.metricOf(message);
  expectOf(message, metric);
  return { ...said, schemaId: message.schemaId, metric };
}

/** What is billed of a message follows from its metric. */
function expectOf(message: BillableMessage, metric: ReturnType<MessageDecoder['metricOf']>): void {
  expect(valuesOf(message)).toEqual(usageValues(metric));
  expect(measuredOf(message)).toEqual(measuredValues(metric));
  expect(message).toMatchObject({
    metricType: metric.type,
    provider: metric.metadata?.model_provider ?? '',
    model: metric.metadata?.model_name ?? '',
    requestId: requestIdOf(metric),
    ...identify(metric),
  });
  // As the ledger does with those of a session that an earlier build began.
  const older = identify(metric, 1);
  expect(Object.assign(message, older)).toMatchObject(older);
}

/** What `decoderOf` makes of a payload written with `writerSchema`. */
export async function seenOf(
  decoderOf: DecoderOf,
  writerSchema: unknown,
  payload: Uint8Array,
  fields: Partial<ConsumedRecord> = {},
): Promise<Seen> {
  return seen(decoderOf, recordWith(framed(payload), fields), await schemasOf(writerSchema));
}
