import { messageOf } from '../../errors.ts';
import type { AgentMetrics } from '../../livekit/types.ts';
import type { ConsumedRecord, HeaderValue } from '../../records/consumed-record.ts';
import type { DeadLetterReason } from '../../records/message.ts';
import { HEADER_BYTES, schemaIdOf } from '../../records/wire-format.ts';
import type { SchemaEntries } from './schema-cache.ts';

/** A message that can never be applied, and why. */
export interface Refused {
  readonly outcome: 'dead_letter';
  readonly reason: DeadLetterReason;
  /** For a person: what was found and what was expected. */
  readonly detail: string;
  /** `null` when the message is not framed. */
  readonly schemaId: number | null;
}

/** A message as an event in our schema, with its session; its values are not checked yet. */
export interface DecodedEvent {
  readonly outcome: 'event';
  readonly sessionId: string;
  readonly accountId: string | null;
  readonly attributes: Readonly<Record<string, string>>;
  readonly metric: AgentMetrics;
  readonly schemaId: number;
}

/** A tombstone: counted, and nothing else. */
export interface Tombstone {
  readonly outcome: 'tombstone';
}

export type Decoded = DecodedEvent | Refused | Tombstone;

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
 * message holds.
 *
 * @param schemas that of the record's schema id
 */
export function decode(record: ConsumedRecord, schemas: SchemaEntries): Decoded {
  const { value } = record;
  if (value === null) return TOMBSTONE;
  const schemaId = schemaIdOf(value);
  if (schemaId === undefined) {
    const start = value.subarray(0, 5).toString('hex');
    const detail = `expected byte 0 and a schema id, got ${value.length} bytes: ${start || 'none'}`;
    return refuse('not_avro_framed', detail, null);
  }
  const entry = schemas.get(schemaId);
  if (entry === undefined) throw new Error(`schema ${schemaId} was not loaded before decoding`);
  if (entry.reader === undefined) return refuse(entry.reason, entry.detail, schemaId);

  let event: ReturnType<typeof entry.reader>;
  try {
    event = entry.reader(value, HEADER_BYTES);
  } catch (error) {
    return refuse('undecodable', messageOf(error), schemaId);
  }
  if (event.kind !== 'event') return refuse(event.kind, event.detail, schemaId);

  const sessionId = event.sessionId ?? sessionBeside(record);
  if (sessionId === '') {
    const where = event.sessionId === undefined ? 'header session_id or key' : 'session_id';
    return refuse('missing_session_id', `the ${where} is empty or absent`, schemaId);
  }
  const { accountId, attributes, metric } = event;
  return { outcome: 'event', sessionId, accountId, attributes, metric, schemaId };
}

function refuse(reason: DeadLetterReason, detail: string, schemaId: number | null): Refused {
  return { outcome: 'dead_letter', reason, detail, schemaId };
}

/** A bare metric is told its session by the header `session_id`, else by the key. */
function sessionBeside(record: ConsumedRecord): string {
  return headerText(record.headers['session_id']) || utf8(record.key);
}

function headerText(header: HeaderValue): string {
  const value = Array.isArray(header) ? header[0] : header;
  return typeof value === 'string' ? value : utf8(value ?? null);
}

function utf8(bytes: Buffer | null): string {
  if (bytes === null) return '';
  const text = bytes.toString('utf8');
  // Bytes that are not UTF-8 must not become a session: validation refuses the lone surrogate.
  return text.includes('\uFFFD') && !Buffer.from(text, 'utf8').equals(bytes) ? '\uD800' : text;
}
