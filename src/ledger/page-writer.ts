import type { Identity } from '../identify/identity.ts';
import { COUNT_COLUMNS, USAGE_COLUMNS } from '../livekit/usage-columns.ts';
import { type BillableMetric, INDEX_OF, PLACES_OF } from '../livekit/usage-of.ts';
import type { BinaryRows } from '../postgres/binary-rows.ts';
import { OID } from '../postgres/binary-values.ts';
import type { RequestId } from '../records/message.ts';

/** An entry of the ledger. */
export interface PageEntry extends Identity, RequestId {
  readonly metricType: BillableMetric['type'];
  /** Microseconds since 1970. */
  readonly eventUs: number;
  readonly offset: number;
  /** From `valuesFrom` on, those of the columns of its type; as text where a number would not be exact. */
  readonly values: ArrayLike<number | string>;
  readonly valuesFrom: number;
}

/** Where the entries of pages come from. */
export interface PageSource {
  readonly topic: string;
  readonly partition: number;
  readonly isCorrection: boolean;
}

/**
 * Most entries of one page. A page is read as a whole, and it should stay within the 8 kB of a row:
 * an entry takes about 90 bytes.
 */
const MAX_ENTRIES = 64;
/** About what an entry takes on its way, with its share of the page. */
export const ENTRY_BYTES = 192;

/** Of the type `ledger_page_row_2`. */
const COLUMNS = 14 + USAGE_COLUMNS.length;

/**
 * Pages of the itemised ledger, on their way to Postgres: the entries of a session that one
 * transaction adds, packed into few rows.
 */
export class PageWriter<Entry extends PageEntry> {
  readonly #rows: BinaryRows;
  readonly #sourceIdOf: (entry: Entry) => number;
  /** For each entry of the page, where its type has the value of a column: read for each column. */
  readonly #indexes: (readonly number[])[] = [];

  /**
   * @param rows of the type `ledger_page_row_2`
   * @param sourceIdOf the number of the entry's names in `usage_source`
   */
  constructor(rows: BinaryRows, sourceIdOf: (entry: Entry) => number) {
    this.#rows = rows;
    this.#sourceIdOf = sourceIdOf;
  }

  /** Adds entries of one session, in order, under the revision that its lock gave. */
  add(
    source: PageSource,
    sessionId: string,
    { period, revision }: { period: string; revision: bigint },
    entries: readonly Entry[],
  ): void {
    for (let page = 0; page * MAX_ENTRIES < entries.length; page += 1) {
      const from = page * MAX_ENTRIES;
      const isWhole = entries.length <= MAX_ENTRIES;
      const chunk = isWhole ? entries : entries.slice(from, from + MAX_ENTRIES);
      this.#addPage(source, sessionId, period, revision, page, chunk);
    }
  }

  /** The pages as `ledger_page_row_2[]` in binary form; `undefined`: there are none. */
  finish(): Buffer | undefined {
    return this.#rows.isEmpty ? undefined : this.#rows.finish();
  }

  #addPage(
    { topic, partition, isCorrection }: PageSource,
    sessionId: string,
    period: string,
    revision: bigint,
    page: number,
    entries: readonly Entry[],
  ): void {
    const rows = this.#rows;
    const count = entries.length;
    const baseOffset = entries[0]?.offset ?? 0;
    rows.beginRow(COLUMNS);
    rows.column(OID.text);
    rows.text(sessionId);
    rows.column(OID.date);
    rows.date(period);
    rows.column(OID.int8);
    rows.int8(revision);
    rows.column(OID.int2);
    rows.int2(page);
    rows.column(OID.text);
    rows.text(topic);
    rows.column(OID.int4);
    rows.int4(partition);
    rows.column(OID.int8);
    rows.int8(baseOffset);
    rows.column(OID.int4);
    rows.int4(count);
    rows.column(OID.bool);
    rows.boolean(isCorrection);

    rows.column(OID.bytea);
    rows.bytea(count * 16);
    for (const entry of entries) {
      rows.word(entry.identityHigh);
      rows.word(entry.identityLow);
      rows.word(entry.fingerprintHigh);
      rows.word(entry.fingerprintLow);
    }
    rows.column(OID['int4[]']);
    let array = rows.beginArray(OID.int4, count);
    for (const entry of entries) rows.int4(this.#sourceIdOf(entry));
    rows.endArray(array);

    rows.column(OID['text[]']);
    array = rows.beginArray(OID.text, count);
    for (const entry of entries) {
      if (entry.writeRequestId !== undefined) entry.writeRequestId(rows);
      else if (entry.requestId === null) rows.null();
      else rows.text(entry.requestId);
    }
    rows.endArray(array);

    rows.column(OID['int8[]']);
    array = rows.beginArray(OID.int8, count);
    for (const { eventUs } of entries) rows.int8(eventUs);
    rows.endArray(array);

    rows.column(OID['int4[]']);
    array = rows.beginArray(OID.int4, count);
    for (const { offset } of entries) rows.int4(offset - baseOffset);
    rows.endArray(array);

    this.#addUsage(entries);
    rows.endRow();
  }

  /** A column that no entry uses is null; where some do, a zero is a null element, which costs a bit. */
  #addUsage(entries: readonly Entry[]): void {
    const used = this.#usedPlaces(entries);
    for (let place = 0; place < USAGE_COLUMNS.length; place += 1) {
      const isCount = place < COUNT_COLUMNS.length;
      this.#rows.column(isCount ? OID['int8[]'] : OID['numeric[]']);
      if ((used & (1 << place)) === 0) this.#rows.null();
      else if (isCount) this.#addColumn(entries, place, OID.int8);
      else this.#addColumn(entries, place, OID.numeric);
    }
  }

  /** By index: an iterator would make an object of each number. */
  #addColumn(entries: readonly Entry[], place: number, oid: number): void {
    const rows = this.#rows;
    const array = rows.beginArray(oid, entries.length);
    for (let i = 0; i < entries.length; i += 1) {
      const { values, valuesFrom } = entries[i] as Entry;
      const index = (this.#indexes[i] as readonly number[])[place] as number;
      const value = index === -1 ? 0 : (values[valuesFrom + index] as number | string);
      if (value === 0) rows.null();
      else if (oid === OID.int8) rows.int8(value);
      else rows.numeric(value);
    }
    rows.endArray(array);
  }

  /** Which of the usage columns any entry uses, as bits. */
  #usedPlaces(entries: readonly Entry[]): number {
    let used = 0;
    for (let i = 0; i < entries.length; i += 1) {
      const { metricType, values, valuesFrom } = entries[i] as Entry;
      this.#indexes[i] = INDEX_OF[metricType];
      const places = PLACES_OF[metricType];
      for (let j = 0; j < places.length; j += 1) {
        if (values[valuesFrom + j] !== 0) used |= 1 << (places[j] as number);
      }
    }
    return used;
  }
}
