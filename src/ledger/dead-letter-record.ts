import type { ConsumedRecord, HeaderValue } from '../records/consumed-record.ts';
import type { DeadLetterRow } from './statements/dead-letters.ts';

/** The record of a dead letter, as it was on the topic. */
export function recordOfDeadLetter(row: DeadLetterRow): ConsumedRecord {
  // Without a prototype: a header may be named "__proto__".
  const headers: Record<string, HeaderValue> = Object.create(null);
  for (const [name, value] of Object.entries(row.headers)) headers[name] = headerOf(value);
  return {
    offset: Number(row.kafka_offset),
    timestamp: row.record_timestamp.getTime(),
    key: row.key,
    value: row.value,
    headers,
  };
}

function headerOf(value: unknown): HeaderValue {
  if (Array.isArray(value)) return value.map((item) => headerOf(item) as Buffer | string);
  if (typeof value === 'string') return value;
  const isBinary = typeof value === 'object' && value !== null && 'base64' in value;
  return isBinary ? Buffer.from(String(value.base64), 'base64') : undefined;
}
