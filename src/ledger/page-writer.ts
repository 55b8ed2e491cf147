import type { Identity } from '../identify/identity.ts';
import { COUNT_COLUMNS, USAGE_COLUMNS } from '../metrics/usage-columns.ts';
import { type BillableMetric, PLACES_OF } from '../metrics/usage-of.ts';
import { BinaryRows, OID } from './binary-rows.ts';

/** An entry of the ledger. */
export interface PageEntry extends Identity {
  readonly metricType: BillableMetric['type'];
  readonly requestId: string | null;
  /** Microseconds since 1970. */
  readonly eventUs: number;
  readonly offset: number;
  /** Of a column of its type, by its number among `COLUMNS_OF`; as text where a number would not be exact. */
  valueAt(column: number): number | string;
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
const ENTRY_BYTES = 192;

/** Of the type `ledger_page_row`. */
const COLUMNS = 14 + USAGE_COLUMNS.length;

/**
 * Pages of the itemised ledger, on their way to Postgres: the entries of a session that one
 * transaction adds, packed into few rows.
 */
export class PageWriter<Entry extends PageEntry> {
  readonly #source: PageSource;
  readonly #sourceIdOf: (entry: Entry) => number;
  readonly #rows: BinaryRows;

  /**
   * @param rowOid of `ledger_page_row` in this database
   * @param sourceIdOf the number of the entry's names in `usage_source`
   * @param expected about how many entries there will be
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

  /** Adds entries of one session, in order, under the revision that its lock gave. */
  add(
    sessionId: string,
    { period, revision }: { period: string; revision: number },
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
    revision: number,
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
    let array = rows.beginArray(OID.int4, count, false);
    for (const entry of entries) rows.int4(this.#sourceIdOf(entry));
    rows.endArray(array);

    rows.column(OID['text[]']);
    array = rows.beginArray(OID.text, count, entries.some(hasNoRequestId));
    for (const { requestId } of entries) {
      if (requestId === null) rows.null();
      else rows.text(requestId);
    }
    rows.endArray(array);

    rows.column(OID['int8[]']);
    array = rows.beginArray(OID.int8, count, false);
    for (const { eventUs } of entries) rows.int8(eventUs);
    rows.endArray(array);

    rows.column(OID['int4[]']);
    array = rows.beginArray(OID.int4, count, false);
    for (const { offset } of entries) rows.int4(offset - baseOffset);
    rows.endArray(array);

    this.#addUsage(entries);
    rows.endRow();
  }

  /** A column that no entry uses is null; where some do, a zero is a null element, which costs a bit. */
  #addUsage(entries: readonly Entry[]): void {
    const rows = this.#rows;
    // The entries column by column; most columns are of none.
    const columns = new Array<(number | string)[] | undefined>(USAGE_COLUMNS.length);
    entries.forEach((entry, i) => {
      const places = PLACES_OF[entry.metricType];
      for (let j = 0; j < places.length; j += 1) {
        const value = entry.valueAt(j);
        if (value === 0) continue;
        const place = places[j] as number;
        const column = columns[place] ?? new Array<number | string>(entries.length).fill(0);
        columns[place] = column;
        column[i] = value;
      }
    });
    for (let place = 0; place < USAGE_COLUMNS.length; place += 1) {
      const isCount = place < COUNT_COLUMNS.length;
      rows.column(isCount ? OID['int8[]'] : OID['numeric[]']);
      const column = columns[place];
      if (column === undefined) {
        rows.null();
        continue;
      }
      const oid = isCount ? OID.int8 : OID.numeric;
      const array = rows.beginArray(oid, column.length, column.includes(0));
      for (const value of column) {
        if (value === 0) rows.null();
        else if (isCount) rows.int8(value);
        else rows.numeric(value);
      }
      rows.endArray(array);
    }
  }
}

function hasNoRequestId({ requestId }: PageEntry): boolean {
  return requestId === null;
}
