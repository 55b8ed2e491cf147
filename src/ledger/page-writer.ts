import type { Identity } from '../identify/identity.ts';
import { COUNT_COLUMNS, USAGE_COLUMNS } from '../livekit/usage-columns.ts';
import { type BillableMetric, PLACES_OF } from '../livekit/usage-of.ts';
import { BinaryRows } from '../postgres/binary-rows.ts';
import { OID } from '../postgres/binary-values.ts';
import type { RequestId } from '../records/message.ts';

/** An entry of the itemised ledger. */
export interface PageEntry extends Identity, RequestId {
  readonly metricType: BillableMetric['type'];
  /** Microseconds since 1970. */
  readonly eventUs: number;
  readonly offset: number;
  /** From `valuesFrom` on, one for each column of its type; as text where a number would not be exact. */
  readonly values: ArrayLike<number | string>;
  readonly valuesFrom: number;
}

/** What the entries of all pages have in common. */
export interface PageSource {
  readonly topic: string;
  readonly partition: number;
  readonly isCorrection: boolean;
}

/**
 * The maximum of a page, which is read as a whole and should stay within a block of 8 kB: an entry
 * takes about 90 bytes.
 */
const MAX_ENTRIES = 64;
/** Estimated size of an entry in binary form, with its share of the page. */
const ENTRY_BYTES = 192;

/** Columns of the type `ledger_page_row`. */
const COLUMNS = 14 + USAGE_COLUMNS.length;

/**
 * Encodes pages of the itemised ledger: the entries that one transaction adds to a session, packed
 * into few rows.
 */
export class PageWriter<Entry extends PageEntry> {
  readonly #source: PageSource;
  readonly #sourceIdOf: (entry: Entry) => number;
  readonly #rows: BinaryRows;
  readonly #usage = new UsageOfPage();

  /**
   * @param rowOid of `ledger_page_row` in this database
   * @param sourceIdOf the number of the entry's names in `usage_source`
   * @param expected number of entries: an estimate
   */
  constructor(
    rowOid: number,
    source: PageSource,
    sourceIdOf: (entry: Entry) => number,
    expected: number,
  ) {
    this.#source = source;
    this.#sourceIdOf = sourceIdOf;
    this.#rows = new BinaryRows(rowOid, 1_024 + expected * ENTRY_BYTES);
  }

  /** Adds entries of a session, in order, under the revision that it was locked with. */
  add(
    sessionId: string,
    { period, revision }: { period: string; revision: bigint },
    entries: readonly Entry[],
  ): void {
    for (let page = 0; page * MAX_ENTRIES < entries.length; page += 1) {
      const from = page * MAX_ENTRIES;
      const isWhole = entries.length <= MAX_ENTRIES;
      const chunk = isWhole ? entries : entries.slice(from, from + MAX_ENTRIES);
      this.#addPage(sessionId, period, revision, page, chunk);
    }
  }

  /** The pages as `ledger_page_row[]` in binary form; `undefined`: there are none. */
  finish(): Buffer | undefined {
    return this.#rows.isEmpty ? undefined : this.#rows.finish();
  }

  #addPage(
    sessionId: string,
    period: string,
    revision: bigint,
    page: number,
    entries: readonly Entry[],
  ): void {
    const { topic, partition, isCorrection } = this.#source;
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

  /** A column that no entry uses is null; in one that some use, a zero is a null element: one bit. */
  #addUsage(entries: readonly Entry[]): void {
    const count = entries.length;
    const usage = this.#usage;
    usage.set(entries);
    const rows = this.#rows;
    for (let place = 0; place < USAGE_COLUMNS.length; place += 1) {
      const isCount = place < COUNT_COLUMNS.length;
      rows.column(isCount ? OID['int8[]'] : OID['numeric[]']);
      if (!usage.isUsed(place)) {
        rows.null();
        continue;
      }
      const array = rows.beginArray(isCount ? OID.int8 : OID.numeric, count);
      for (let i = 0; i < count; i += 1) {
        const value = usage.at(place, i);
        if (value === 0) rows.null();
        else if (isCount) rows.int8(value);
        else rows.numeric(value);
      }
      rows.endArray(array);
    }
  }
}

/** The usage of a page's entries, column by column. Most columns are unused. */
class UsageOfPage {
  readonly #numbers = new Float64Array(USAGE_COLUMNS.length * MAX_ENTRIES);
  readonly #used = new Uint8Array(USAGE_COLUMNS.length);
  /** Values that a number would not be exact for, by their index. */
  readonly #texts = new Map<number, string>();

  /** Takes the entries of a page in the place of those before. */
  set(entries: readonly PageEntry[]): void {
    this.#numbers.fill(0);
    this.#used.fill(0);
    this.#texts.clear();
    for (let i = 0; i < entries.length; i += 1) {
      const { metricType, values, valuesFrom } = entries[i] as PageEntry;
      const places = PLACES_OF[metricType];
      for (let j = 0; j < places.length; j += 1) {
        const value = values[valuesFrom + j] as number | string;
        if (value !== 0) this.#put(places[j] as number, i, value);
      }
    }
  }

  isUsed(place: number): boolean {
    return this.#used[place] !== 0;
  }

  at(place: number, entry: number): number | string {
    const at = place * MAX_ENTRIES + entry;
    const text = this.#texts.size === 0 ? undefined : this.#texts.get(at);
    return text ?? (this.#numbers[at] as number);
  }

  #put(place: number, entry: number, value: number | string): void {
    const at = place * MAX_ENTRIES + entry;
    this.#used[place] = 1;
    if (typeof value === 'number') this.#numbers[at] = value;
    else this.#texts.set(at, value);
  }
}
