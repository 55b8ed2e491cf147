import { isUtf8 } from 'node:buffer';
import { messageOf } from '../../errors.ts';
import type { AgentEvent } from '../../records/agent-event.ts';
import type { ConsumedRecord } from '../../records/consumed-record.ts';
import type { DeadLetterReason } from '../../records/message.ts';
import { HEADER_BYTES, schemaIdOf } from '../../records/wire-format.ts';
import type { SchemaEntries } from './schema-cache.ts';

/** A record that can never be applied, and why. */
export interface DecodedDeadLetter {
  readonly outcome: 'dead_letter';
  readonly reason: DeadLetterReason;
  /** For a person: what was found and what was expected. */
  readonly detail: string;
  /** `null` when the value is not framed. */
  readonly schemaId: number | null;
}

/** A record that is an event of a session. */
export interface DecodedEvent extends AgentEvent {
  readonly outcome: 'event';
  readonly schemaId: number;
}

/** A record without a value: it is counted, and nothing else. */
export interface Tombstone {
  readonly outcome: 'tombstone';
}

export type Decoded = DecodedEvent | DecodedDeadLetter | Tombstone;

const TOMBSTONE: Tombstone = { outcome: 'tombstone' };

/** The schema ids that `records` need, so that they can be loaded before decoding. */
export function schemaIdsOf(records: readonly ConsumedRecord[]): Set<number> {
  const ids = new Set<number>();
  for (const { value } of records) {
    const id = value === null ? undefined : schemaIdOf(value);
    if (id !== undefined) ids.add(id);
  }
  return ids;
}

/**
 * Decodes one record: the writer's schema by its id, resolved to ours. Never throws for what a
 * record holds.
 *
 * @param schemas with that of the record's schema id
 */
export function decode(record: ConsumedRecord, schemas: SchemaEntries): Decoded {
  const { value } = record;
  if (value === null) return TOMBSTONE;
  const schemaId = schemaIdOf(value);
  if (schemaId === undefined) {
    const start = value.subarray(0, 5).toString('hex');
    const detail = `expected byte 0 and a schema id, got ${value.length} bytes: ${start || 'none'}`;
    return deadLetter('not_avro_framed', detail, null);
  }
  const entry = schemas.get(schemaId);
  if (entry === undefined) throw new Error(`schema ${schemaId} was not loaded before decoding`);
  if (entry.reader === undefined) return deadLetter(entry.reason, entry.detail, schemaId);

  let event: ReturnType<typeof entry.reader>;
  try {
    event = entry.reader(value, HEADER_BYTES);
  } catch (error) {
    return deadLetter('undecodable', messageOf(error), schemaId);
  }
  if (event.kind !== 'event') return deadLetter(event.kind, event.detail, schemaId);

  const bare = event.sessionId === undefined ? sessionOfRecord(record) : undefined;
  const sessionId = event.sessionId ?? bare?.text ?? '';
  if (sessionId === '') {
    const where = bare === undefined ? 'session_id' : 'header session_id or key';
    return deadLetter('missing_session_id', `the ${where} is empty or absent`, schemaId);
  }
  const { accountId, attributes, metric } = event;
  const notUtf8 = bare?.isUtf8 === false ? [...event.notUtf8, 'session_id'] : event.notUtf8;
  return { outcome: 'event', sessionId, accountId, attributes, metric, notUtf8, schemaId };
}

function deadLetter(
  reason: DeadLetterReason,
  detail: string,
  schemaId: number | null,
): DecodedDeadLetter {
  return { outcome: 'dead_letter', reason, detail, schemaId };
}

interface Text {
  readonly text: string;
  readonly isUtf8: boolean;
}

/** The session of a bare metric: the header `session_id`, else the key. */
function sessionOfRecord({ headers, key }: ConsumedRecord): Text {
  const given = headers['session_id'];
  const header = textOf(Array.isArray(given) ? given[0] : given);
  return header.text === '' ? textOf(key) : header;
}

function textOf(value: Buffer | string | null | undefined): Text {
  if (typeof value === 'string') return { text: value, isUtf8: value.isWellFormed() };
  if (value == null) return { text: '', isUtf8: true };
  return { text: value.toString('utf8'), isUtf8: isUtf8(value) };
}
