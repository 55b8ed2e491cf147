import { identityBytes } from '../identify/identity.ts';
import { byteaArray, int8Array, textArray } from '../postgres/arrays.ts';
import type { Queryable } from '../postgres/statement.ts';
import type { ConsumedRecord, HeaderValue } from '../records/consumed-record.ts';
import type { Batch, BillableMessage, DeadLetterMessage } from '../records/message.ts';
import { entryPayload, metricPayload } from './payload.ts';
import type { SessionBatch } from './session-batch.ts';
import { insertConflicts, insertDeadLetters, readEntries } from './statements/refusals.ts';

/** A detail quotes what a message or a schema says, which may be a megabyte. */
const MAX_DETAIL = 1_000;

/** Keeps the dead letters of a batch, with their bytes. */
export async function keepDeadLetters(
  connection: Queryable,
  { topic, partition, generation }: Pick<Batch, 'topic' | 'partition' | 'generation'>,
  letters: readonly DeadLetterMessage[],
  copyIsDue: boolean,
): Promise<void> {
  if (letters.length === 0) return;
  await insertDeadLetters.run(connection, {
    topic,
    partition,
    generation,
    offsets: int8Array(letters.map(({ offset }) => offset)),
    reasons: textArray(letters.map(({ reason }) => reason)),
    details: textArray(letters.map(({ detail }) => storable(bounded(detail)))),
    schemaIds: int8Array(letters.map(({ schemaId }) => schemaId)),
    keys: byteaArray(letters.map(({ record }) => record.key)),
    values: byteaArray(letters.map(({ record }) => record.value)),
    headers: textArray(letters.map(({ record }) => headersJson(record))),
    timestampsMs: int8Array(letters.map(({ record }) => storableTime(record.timestamp))),
    copyIsDue,
  });
}

/** Keeps the conflicts of a batch, each with the payload that was applied and the other one. */
export async function keepConflicts(
  connection: Queryable,
  batch: Pick<Batch, 'topic' | 'partition' | 'generation' | 'metricOf'>,
  sessions: Iterable<SessionBatch>,
): Promise<void> {
  const { topic, partition, generation, metricOf } = batch;
  const disputed: { event: BillableMessage; applied: string | undefined }[] = [];
  for (const { conflicting, fresh } of sessions) {
    if (conflicting.length === 0) continue;
    const inBatch = new Map(fresh.map((event) => [identityOf(event), event]));
    for (const event of conflicting) {
      const first = inBatch.get(identityOf(event));
      disputed.push({ event, applied: first && metricPayload(metricOf(first)) });
    }
  }
  if (disputed.length === 0) return;
  const earlier = disputed.filter(({ applied }) => applied === undefined);
  const entries = await readEntries.run(connection, {
    sessionIds: textArray(earlier.map(({ event }) => event.sessionId)),
    identities: textArray(earlier.map(({ event }) => identityOf(event))),
  });
  const keyOf = (sessionId: string, identity: string) => `${identity} ${sessionId}`;
  const found = new Map(
    entries.map(({ session_id, identity, entry }) => [keyOf(session_id, identity), entry]),
  );
  for (const item of earlier) {
    const entry = found.get(keyOf(item.event.sessionId, identityOf(item.event)));
    if (entry !== undefined) item.applied = entryPayload(entry);
  }
  await insertConflicts.run(connection, {
    topic,
    partition,
    generation,
    sessionIds: textArray(disputed.map(({ event }) => event.sessionId)),
    offsets: int8Array(disputed.map(({ event }) => event.offset)),
    metricTypes: textArray(disputed.map(({ event }) => event.metricType)),
    requestIds: textArray(disputed.map(({ event }) => event.requestId)),
    appliedPayloads: textArray(disputed.map(({ applied }) => applied ?? '{}')),
    conflictingPayloads: textArray(disputed.map(({ event }) => metricPayload(metricOf(event)))),
  });
}

/** As the ledger is asked for it: 16 hexadecimal digits. */
function identityOf(event: BillableMessage): string {
  return identityBytes(event).toString('hex', 0, 8);
}

/** Headers as JSON: text where it is text, else `{"base64": …}`. */
function headersJson({ headers }: ConsumedRecord): string {
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

/** The last time that both a `Date` and Postgres know, in the year 275760. */
const LAST_TIME_MS = 8.64e15;

/** Whatever a producer calls a time: nanoseconds, negative, or nothing. */
function storableTime(timestampMs: number): number {
  if (!(timestampMs > 0)) return 0;
  return Math.trunc(Math.min(timestampMs, LAST_TIME_MS));
}

function bounded(detail: string): string {
  return detail.length <= MAX_DETAIL ? detail : `${detail.slice(0, MAX_DETAIL)}…`;
}

/** Postgres cannot hold U+0000 in text, nor half a surrogate pair. */
function storable(text: string): string {
  return text.replaceAll('\0', '\uFFFD').toWellFormed();
}
