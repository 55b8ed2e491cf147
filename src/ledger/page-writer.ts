import { COUNT_COLUMNS, DURATION_COLUMNS, type UsageColumn } from '../metrics/usage-columns.ts';
import { COLUMNS_OF } from '../metrics/usage-of.ts';
import { byteaArray, numberArray, textArray } from './array-literal.ts';
import type { Batch, BillableMessage } from './message.ts';
import type { SessionWork } from './session-work.ts';
import type { SourceIds } from './source-ids.ts';
import type { PageParameters } from './statements/pages.ts';

/**
 * Most entries of one page. A page is read as a whole, and it should stay within the 8 kB of a row:
 * an entry takes about 90 bytes.
 */
const MAX_ENTRIES = 64;

const IDENTITY_BYTES = 16;

/** The fresh events of a batch as pages of the ledger: a session's events packed into few rows. */
export function pagesOf(
  batch: Pick<Batch, 'topic' | 'partition' | 'fromOffset'>,
  sessions: Iterable<SessionWork>,
  sources: SourceIds,
): PageParameters | undefined {
  const sessionIds: string[] = [];
  const periods: string[] = [];
  const revisions: number[] = [];
  const pages: number[] = [];
  const chunks: BillableMessage[][] = [];
  for (const { sessionId, touched, fresh } of sessions) {
    if (touched === undefined) continue;
    for (let page = 0; page * MAX_ENTRIES < fresh.length; page += 1) {
      sessionIds.push(sessionId);
      periods.push(touched.period);
      revisions.push(touched.revision);
      pages.push(page);
      chunks.push(fresh.slice(page * MAX_ENTRIES, (page + 1) * MAX_ENTRIES));
    }
  }
  if (chunks.length === 0) return undefined;

  const perPage = (literal: (events: readonly BillableMessage[]) => string) =>
    textArray(chunks.map(literal));
  const numbers = (value: (event: BillableMessage) => number) =>
    perPage((events) => numberArray(events.map(value)));
  return {
    sessionIds: textArray(sessionIds),
    periods: textArray(periods),
    revisions: numberArray(revisions),
    pages: numberArray(pages),
    kafkaTopic: batch.topic,
    kafkaPartition: batch.partition,
    baseOffset: batch.fromOffset,
    isCorrection: false,
    entryCounts: numberArray(chunks.map((events) => events.length)),
    identities: byteaArray(chunks.map(identitiesOf)),
    sourceIds: numbers((event) => sources.idOf(event)),
    requestIds: perPage((events) => textArray(events.map(({ requestId }) => requestId))),
    eventUs: numbers((event) => event.eventUs),
    offsetDeltas: numbers((event) => event.record.offset - batch.fromOffset),
    ...usageColumns(chunks),
  };
}

/** A column for each page that uses it; a column that no page uses needs no array at all. */
function usageColumns(
  chunks: readonly (readonly BillableMessage[])[],
): Record<UsageColumn, string | null> {
  const columns = {} as Record<UsageColumn, string | null>;
  const used = chunks.map(columnsUsedIn);
  for (const name of [...COUNT_COLUMNS, ...DURATION_COLUMNS]) {
    const literals = chunks.map((events, i) =>
      used[i]?.has(name) ? sparseArray(events, name) : null,
    );
    columns[name] = literals.every((literal) => literal === null) ? null : textArray(literals);
  }
  return columns;
}

function columnsUsedIn(events: readonly BillableMessage[]): Set<UsageColumn> {
  const used = new Set<UsageColumn>();
  for (const { metricType, usage } of events) {
    for (const name of COLUMNS_OF[metricType]) if (usage[name] !== 0) used.add(name);
  }
  return used;
}

/** Zeros are null elements: they cost a bit and not eight bytes. */
function sparseArray(events: readonly BillableMessage[], name: UsageColumn): string {
  let text = '{';
  let separator = '';
  for (const { usage } of events) {
    const value = usage[name];
    text += separator + (value === 0 ? 'NULL' : value);
    separator = ',';
  }
  return `${text}}`;
}

function identitiesOf(events: readonly BillableMessage[]): Buffer {
  const bytes = Buffer.allocUnsafe(events.length * IDENTITY_BYTES);
  let at = 0;
  for (const { identity, fingerprint } of events) {
    at = bytes.writeUInt32BE(identity[0], at);
    at = bytes.writeUInt32BE(identity[1], at);
    at = bytes.writeUInt32BE(fingerprint[0], at);
    at = bytes.writeUInt32BE(fingerprint[1], at);
  }
  return bytes;
}
