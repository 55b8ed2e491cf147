import type { ConsumedRecord } from '../decode/consumed-record.ts';
import { type DecodedEvent, decode } from '../decode/decode.ts';
import type { SchemaCache } from '../decode/schema-cache.ts';
import { type BillableMetric, identify, requestIdOf } from '../identify/identity.ts';
import type { BillableMessage, Message } from '../ledger/message.ts';
import { eventTime, validate } from '../validate/validate.ts';

/** Texts that many messages of a batch share, so that they share the memory too. */
export type SharedTexts = Map<string, string>;

/**
 * Takes a record as far as it can be taken without the ledger: decode, validate, identify. It never
 * throws for what a record holds, and every record becomes exactly one message.
 *
 * @param schemas must have loaded the schema id of the record
 * @param texts one for each batch
 */
export function prepare(
  record: ConsumedRecord,
  schemas: SchemaCache,
  texts: SharedTexts = new Map(),
): Message {
  const decoded = decode(record, schemas);
  switch (decoded.outcome) {
    case 'tombstone':
      return { kind: 'ignored', record, session: undefined };
    case 'dead_letter': {
      const { reason, detail, schemaId } = decoded;
      return { kind: 'dead_letter', record, reason, detail, schemaId };
    }
    case 'event':
      return prepareEvent(record, decoded, texts);
  }
}

function prepareEvent(record: ConsumedRecord, event: DecodedEvent, texts: SharedTexts): Message {
  const { metric, attributes, schemaId } = event;
  const validated = validate(event);
  if (!validated.valid) {
    const { detail } = validated;
    return { kind: 'dead_letter', record, reason: 'invalid_value', detail, schemaId };
  }
  const sessionId = shared(event.sessionId, texts);
  const accountId = event.accountId === null ? null : shared(event.accountId, texts);
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
    provider: shared(billable.metadata?.model_provider ?? '', texts),
    model: shared(billable.metadata?.model_name ?? '', texts),
    requestId: requestIdOf(billable),
    values,
    identityHigh: identity.identityHigh,
    identityLow: identity.identityLow,
    fingerprintHigh: identity.fingerprintHigh,
    fingerprintLow: identity.fingerprintLow,
  };
}

function shared(text: string, texts: SharedTexts): string {
  const known = texts.get(text);
  if (known !== undefined) return known;
  texts.set(text, text);
  return text;
}

/** The whole metric of a message that was prepared before. */
export function metricOf({ record }: BillableMessage, schemas: SchemaCache): BillableMetric {
  const decoded = decode(record, schemas);
  if (decoded.outcome !== 'event') throw new Error('a message can not be decoded a second time');
  return decoded.metric as BillableMetric;
}
