import { type BillableMetric, identify, requestIdOf } from '../identify/identity.ts';
import type { ConsumedRecord } from '../records/consumed-record.ts';
import type { BillableMessage, Message } from '../records/message.ts';
import type { RecordBlock } from '../records/record-block.ts';
import { eventTime, validate } from '../validate/validate.ts';
import { type DecodedEvent, decode } from './avro/decode.ts';
import type { SchemaEntries } from './avro/schema-cache.ts';
import { fastMessage } from './columnar/fast-message.ts';

/**
 * Takes a record as far as it can be taken without the ledger: decode, validate, identify. It never
 * throws for what a record holds, and every record becomes exactly one message.
 *
 * @param schemas those of the schema ids of the block
 */
export function decodeAt(block: RecordBlock, index: number, schemas: SchemaEntries): Message {
  return fastMessage(block, index, schemas) ?? decodeByReference(block.recordAt(index), schemas);
}

/** The same for any record, usual or not; what is wrong with it, it says. */
export function decodeByReference(record: ConsumedRecord, schemas: SchemaEntries): Message {
  const { offset } = record;
  const decoded = decode(record, schemas);
  switch (decoded.outcome) {
    case 'tombstone':
      return { kind: 'ignored', offset, record, session: undefined };
    case 'dead_letter': {
      const { reason, detail, schemaId } = decoded;
      return { kind: 'dead_letter', offset, record, reason, detail, schemaId };
    }
    case 'event':
      return prepareEvent(record, decoded);
  }
}

function prepareEvent(record: ConsumedRecord, event: DecodedEvent): Message {
  const { metric, sessionId, accountId, attributes, schemaId } = event;
  const { offset } = record;
  const validated = validate(event);
  if (!validated.valid) {
    const { detail } = validated;
    return { kind: 'dead_letter', offset, record, reason: 'invalid_value', detail, schemaId };
  }
  const eventUs = eventTime(metric.timestamp, record.timestamp);
  const { values } = validated;
  if (values === undefined) {
    return {
      kind: 'ignored',
      offset,
      record,
      session: { sessionId, accountId, attributes, eventUs },
    };
  }
  const billable = metric as BillableMetric;
  const identity = identify(billable);
  return {
    kind: 'billable',
    offset,
    record,
    schemaId,
    sessionId,
    accountId,
    attributes,
    eventUs,
    metricType: billable.type,
    provider: billable.metadata?.model_provider ?? '',
    model: billable.metadata?.model_name ?? '',
    requestId: requestIdOf(billable),
    values,
    valuesFrom: 0,
    identityHigh: identity.identityHigh,
    identityLow: identity.identityLow,
    fingerprintHigh: identity.fingerprintHigh,
    fingerprintLow: identity.fingerprintLow,
  };
}

/** The whole metric of a message that was prepared before. */
export function metricOf({ record }: BillableMessage, schemas: SchemaEntries): BillableMetric {
  const decoded = decode(record, schemas);
  if (decoded.outcome !== 'event') throw new Error('a message can not be decoded a second time');
  return decoded.metric as BillableMetric;
}
