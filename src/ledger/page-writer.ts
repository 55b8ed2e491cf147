import type { Identity } from '../identify/identity.ts';
import { COUNT_COLUMNS, USAGE_COLUMNS, type UsageColumn } from '../metrics/usage-columns.ts';
import { type BillableMetric, COLUMNS_OF } from '../metrics/usage-of.ts';
import { BinaryRows, OID } from './binary-rows.ts';

/** An entry of the ledger. */
export interface PageEntry extends Identity {
  readonly metricType: BillableMetric['type'];
  readonly requestId: string | null;
  /** Microseconds since 1970. */
  readonly eventUs: number;
  readonly record: { readonly offset: number };
  /** For each column of its type; as text where a number would not be exact. */
  readonly values: readonly (number | string)[];
}

/** Where the entries of pages come from. */
export interface PageSource {
  readonly topic: string;
  readonly partition: number;
  /** The first of their offsets, or one before it. */
  readonly fromOffset: number;
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

/** Where the values of a metric type stand among all usage columns. */
interface Places {
  /** For each value its column. */
  readonly columns: readonly number[];
  /** For each column its value; -1: the type has none. */
  readonly values: readonly number[];
}

const PLACES = new Map<string, Places>(
  Object.entries(COLUMNS_OF).map(([type, names]: [string, readonly UsageColumn[]]) => [
    type,
    {
      columns: names.map((name) => USAGE_COLUMNS.indexOf(name)),
      values: USAGE_COLUMNS.map((name) => names.indexOf(name)),
    },
  ]),
);

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
    const { topic, partition, fromOffset, isCorrection } = this.#source;
    const rows = this.#rows;
    const count = entries.length;
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
    rows.int8(fromOffset);
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
    for (const { record } of entries) rows.int4(record.offset - fromOffset);
    rows.endArray(array);

    this.#addUsage(entries);
    rows.endRow();
  }

  /** A column that no entry uses is null; where some do, a zero is a null element, which costs a bit. */
  #addUsage(entries: readonly Entry[]): void {
    const rows = this.#rows;
    const places = entries.map(({ metricType }) => PLACES.get(metricType) as Places);
    const used = new Array<number>(USAGE_COLUMNS.length).fill(0);
    for (let i = 0; i < entries.length; i += 1) {
      const { values } = entries[i] as Entry;
      const { columns } = places[i] as Places;
      for (let j = 0; j < values.length; j += 1) {
        if (values[j] !== 0) used[columns[j] as number] = (used[columns[j] as number] ?? 0) + 1;
      }
    }
    for (let column = 0; column < USAGE_COLUMNS.length; column += 1) {
      const isCount = column < COUNT_COLUMNS.length;
      rows.column(isCount ? OID['int8[]'] : OID['numeric[]']);
      if (used[column] === 0) {
        rows.null();
        continue;
      }
      const oid = isCount ? OID.int8 : OID.numeric;
      const array = rows.beginArray(oid, entries.length, used[column] !== entries.length);
      for (let i = 0; i < entries.length; i += 1) {
        const place = (places[i] as Places).values[column] as number;
        const value = place < 0 ? 0 : ((entries[i] as Entry).values[place] as number | string);
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
