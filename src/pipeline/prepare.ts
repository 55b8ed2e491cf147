import { PackedRecord } from '../consume/record-block.ts';
import type { ConsumedRecord } from '../decode/consumed-record.ts';
import { type DecodedEvent, decode } from '../decode/decode.ts';
import type { SchemaCache } from '../decode/schema-cache.ts';
import { HEADER_BYTES, schemaIdOf } from '../decode/wire-format.ts';
import { fastReaderOf } from '../fast-path/fast-reader.ts';
import { type BillableMetric, identify, requestIdOf } from '../identify/identity.ts';
import type { BillableMessage, Message } from '../ledger/message.ts';
import { eventTime, validate } from '../validate/validate.ts';

/**
 * Takes a record as far as it can be taken without the ledger: decode, validate, identify. It never
 * throws for what a record holds, and every record becomes exactly one message.
 *
 * @param schemas must have loaded the schema id of the record
 */
export function prepare(record: ConsumedRecord, schemas: SchemaCache): Message {
  return prepareFast(record, schemas) ?? prepareCarefully(record, schemas);
}

/** The usual message, of which there are thousands a second. */
export function prepareFast(record: ConsumedRecord, schemas: SchemaCache): Message | undefined {
  if (!(record instanceof PackedRecord)) return undefined;
  const { memory, valueStart, valueLength } = record;
  const end = valueStart + Math.max(valueLength, 0);
  const schemaId = schemaIdOf(memory.bytes, valueStart, end);
  const entry = schemaId === undefined ? undefined : schemas.get(schemaId);
  if (schemaId === undefined || entry === undefined) return undefined;
  return fastReaderOf(entry)?.read(record, valueStart + HEADER_BYTES, end, schemaId);
}

/** Any message, usual or not: it says what is wrong with it. */
export function prepareCarefully(record: ConsumedRecord, schemas: SchemaCache): Message {
  const decoded = decode(record, schemas);
  switch (decoded.outcome) {
    case 'tombstone':
      return { kind: 'ignored', record, session: undefined };
    case 'dead_letter': {
      const { reason, detail, schemaId } = decoded;
      return { kind: 'dead_letter', record, reason, detail, schemaId };
    }
    case 'event':
      return prepareEvent(record, decoded);
  }
}

function prepareEvent(record: ConsumedRecord, event: DecodedEvent): Message {
  const { metric, sessionId, accountId, attributes, schemaId } = event;
  const validated = validate(event);
  if (!validated.valid) {
    const { detail } = validated;
    return { kind: 'dead_letter', record, reason: 'invalid_value', detail, schemaId };
  }
  const eventUs = eventTime(metric.timestamp, record.timestamp);
  const { values } = validated;
  if (values === undefined) {
    return { kind: 'ignored', record, session: { sessionId, accountId, attributes, eventUs } };
  }
  const billable = metric as BillableMetric;
  const identity = identify(billable);
  return {
    kind: 'billable',
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
    identityHigh: identity.identityHigh,
    identityLow: identity.identityLow,
    fingerprintHigh: identity.fingerprintHigh,
    fingerprintLow: identity.fingerprintLow,
  };
}

/** The whole metric of a message that was prepared before. */
export function metricOf({ record }: BillableMessage, schemas: SchemaCache): BillableMetric {
  const decoded = decode(record, schemas);
  if (decoded.outcome !== 'event') throw new Error('a message can not be decoded a second time');
  return decoded.metric as BillableMetric;
}
