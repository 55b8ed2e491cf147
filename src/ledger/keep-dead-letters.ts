import { byteaArray, int8Array, textArray } from '../postgres/arrays.ts';
import type { Queryable } from '../postgres/statement.ts';
import type { ConsumedRecord, HeaderValue } from '../records/consumed-record.ts';
import type { Batch, DeadLetterMessage } from '../records/message.ts';
import { insertDeadLetters } from './statements/dead-letters.ts';

/** A detail quotes a message or a schema, of which a part may be a megabyte. */
const MAX_DETAIL = 1_000;

/** Keeps the dead letters of a batch, with their bytes. */
export async function keepDeadLetters(
  connection: Queryable,
  { topic, partition, generation }: Pick<Batch, 'topic' | 'partition' | 'generation'>,
  deadLetters: readonly DeadLetterMessage[],
  copyIsDue: boolean,
): Promise<void> {
  if (deadLetters.length === 0) return;
  await insertDeadLetters.run(connection, {
    topic,
    partition,
    generation,
    offsets: int8Array(deadLetters.map(({ offset }) => offset)),
    reasons: textArray(deadLetters.map(({ reason }) => reason)),
    details: textArray(deadLetters.map(({ detail }) => storable(bounded(detail)))),
    schemaIds: int8Array(deadLetters.map(({ schemaId }) => schemaId)),
    keys: byteaArray(deadLetters.map(({ record }) => record.key)),
    values: byteaArray(deadLetters.map(({ record }) => record.value)),
    headers: textArray(deadLetters.map(({ record }) => headersJson(record))),
    timestampsMs: int8Array(deadLetters.map(({ record }) => storableTime(record.timestamp))),
    copyIsDue,
  });
}

/** Headers as JSON: a string where the bytes are text, else `{"base64": …}`. */
function headersJson({ headers }: ConsumedRecord): string {
  // Without a prototype: a header may be named "__proto__".
  const json: Record<string, unknown> = Object.create(null);
  for (const [name, value] of Object.entries(headers)) json[storable(name)] = headerJson(value);
  return JSON.stringify(json);
}

function headerJson(value: HeaderValue): unknown {
  if (value === undefined) return null;
  if (Array.isArray(value)) return value.map(headerJson);
  const bytes = Buffer.isBuffer(value) ? value : Buffer.from(value, 'utf8');
  const text = bytes.toString('utf8');
  const isText = !text.includes('\0') && Buffer.from(text, 'utf8').equals(bytes);
  return isText ? text : { base64: bytes.toString('base64') };
}

/** The last time that both a `Date` and Postgres can represent, in the year 275760. */
const LAST_TIME_MS = 8.64e15;

/** A producer may set any timestamp: in nanoseconds, or a negative one. */
function storableTime(timestampMs: number): number {
  if (!(timestampMs > 0)) return 0;
  return Math.trunc(Math.min(timestampMs, LAST_TIME_MS));
}

function bounded(detail: string): string {
  return detail.length <= MAX_DETAIL ? detail : `${detail.slice(0, MAX_DETAIL)}…`;
}

/** Postgres stores neither U+0000 nor half a surrogate pair in text. */
function storable(text: string): string {
  return text.replaceAll('\0', '\uFFFD').toWellFormed();
}
