import { type BillableMetric, identify, requestIdOf } from '../../identify/identity.ts';
import { measuredFieldsOf, measuredValues } from '../../livekit/measured-fields.ts';
import type { ConsumedRecord } from '../../records/consumed-record.ts';
import type { BillableMessage, Message } from '../../records/message.ts';
import type { RecordBlock } from '../../records/record-block.ts';
import { eventTime, validate } from '../../validate/validate.ts';
import type { MessageDecoder } from '../message-decoder.ts';
import { type DecodedEvent, decode } from './decode.ts';
import type { SchemaEntries } from './schema-cache.ts';

/** The reference: takes every record, and is what a dead letter's reason and detail come from. */
export class AvroDecoder implements MessageDecoder {
  readonly #schemas: SchemaEntries;

  /** @param schemas of all schema ids of the records */
  constructor(schemas: SchemaEntries) {
    this.#schemas = schemas;
  }

  decode(block: RecordBlock, index: number): Message {
    return this.decodeRecord(block.recordAt(index));
  }

  /** `decode` of a record that is in no block. */
  decodeRecord(record: ConsumedRecord): Message {
    const { offset } = record;
    const decoded = decode(record, this.#schemas);
    switch (decoded.outcome) {
      case 'tombstone':
        return { kind: 'ignored', offset, record, session: undefined };
      case 'dead_letter': {
        const { reason, detail, schemaId } = decoded;
        return { kind: 'dead_letter', offset, record, reason, detail, schemaId };
      }
      case 'event':
        return messageOfEvent(record, decoded);
    }
  }

  metricOf({ record }: BillableMessage): BillableMetric {
    const decoded = decode(record, this.#schemas);
    if (decoded.outcome !== 'event') throw new Error('a message cannot be decoded a second time');
    return decoded.metric as BillableMetric;
  }
}

function messageOfEvent(record: ConsumedRecord, event: DecodedEvent): Message {
  const { metric, sessionId, accountId, attributes, schemaId } = event;
  const { offset } = record;
  const validated = validate(event);
  if (!validated.valid) {
    const { detail } = validated;
    return { kind: 'dead_letter', offset, record, reason: 'invalid_value', detail, schemaId };
  }
  const eventUs = eventTime(metric.timestamp, record.timestamp);
  const session = { sessionId, accountId, attributes, eventUs };
  const { values } = validated;
  if (metric.type === 'session_usage_report') {
    return { kind: 'ignored', offset, record, session, report: metric.model_usage };
  }
  if (values === undefined) {
    const isMeasured = measuredFieldsOf(metric.type).length > 0;
    const measured = isMeasured
      ? { metricType: metric.type, values: measuredValues(metric), valuesFrom: 0 }
      : undefined;
    return { kind: 'ignored', offset, record, session, measured };
  }
  const billable = metric as BillableMetric;
  return {
    kind: 'billable',
    offset,
    record,
    schemaId,
    ...session,
    metricType: billable.type,
    provider: billable.metadata?.model_provider ?? '',
    model: billable.metadata?.model_name ?? '',
    requestId: requestIdOf(billable),
    values: [...values, ...measuredValues(metric)],
    valuesFrom: 0,
    ...identify(billable),
  };
}
