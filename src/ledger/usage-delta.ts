import {
  COUNT_COLUMNS,
  type CountColumn,
  DURATION_COLUMNS,
  type DurationColumn,
  type UsageType,
} from '../livekit/usage-columns.ts';
import { PLACES_OF, USAGE_TYPE_OF } from '../livekit/usage-of.ts';
import { UsageRows } from '../livekit/usage-rows.ts';
import { type BinaryValues, OID } from '../postgres/binary-values.ts';
import { Decimal } from '../postgres/decimal.ts';
import type { BillableMessage } from '../records/message.ts';
import type { UsageParameters } from './statements/usage.ts';

/** Up to so many rows of a session are compared one by one: most sessions have a handful. */
const FEW = 8;
const COUNTS = COUNT_COLUMNS.length;
const DURATIONS = DURATION_COLUMNS.length;
/** Numbers of a row: how many events, their first and last time, and the counts. */
const EVENTS = 0;
const FIRST_US = 1;
const LAST_US = 2;
const COUNT = 3;
const WIDTH = COUNT + COUNTS;
const INITIAL_ROWS = 256;

/**
 * What a batch adds to rows of `session_model_usage`, exactly. In columns, and on its way in binary
 * form: as objects and texts it was most of what a batch leaves to the garbage collector.
 */
export class BatchUsage {
  readonly #sessionIds: string[] = [];
  readonly #usageTypes: UsageType[] = [];
  readonly #providers: string[] = [];
  readonly #models: string[] = [];
  /** Row by row. */
  #numbers = new Float64Array(INITIAL_ROWS * WIDTH);
  /** Counts that are not exact as a number any more, by their place in `#numbers`. */
  readonly #large = new Map<number, bigint>();
  /** Row by row, of each of the durations; `undefined`: nothing is added. */
  readonly #seconds: (Decimal | undefined)[] = [];
  #sessionId = '';
  /** The first row of the session. */
  #first = 0;
  #many: Map<UsageType, UsageRows<{ row: number }>> | undefined;

  /** Adds fresh events of one session; each session once. */
  add(sessionId: string, events: readonly BillableMessage[]): void {
    this.#sessionId = sessionId;
    this.#first = this.#sessionIds.length;
    this.#many = undefined;
    for (const event of events) this.#add(event);
  }

  #add(event: BillableMessage): void {
    const row = this.#rowOf(event);
    const at = row * WIDTH;
    const { metricType, values, valuesFrom } = event;
    const places = PLACES_OF[metricType];
    for (let i = 0; i < places.length; i += 1) {
      const value = values[valuesFrom + i] as number;
      if (value === 0) continue;
      const place = places[i] as number;
      if (place < COUNTS) this.#addCount(at + COUNT + place, value);
      else this.#addSeconds(row * DURATIONS + place - COUNTS, value);
    }
    const { eventUs } = event;
    const numbers = this.#numbers;
    numbers[at + EVENTS] = (numbers[at + EVENTS] as number) + 1;
    if (eventUs < (numbers[at + FIRST_US] as number)) numbers[at + FIRST_US] = eventUs;
    if (eventUs > (numbers[at + LAST_US] as number)) numbers[at + LAST_US] = eventUs;
  }

  /** Writes the rows to `values`, as arrays of its memory; `undefined`: nothing was added. */
  parameters(values: BinaryValues): UsageParameters | undefined {
    const rows = this.#sessionIds.length;
    if (rows === 0) return undefined;
    const counts = {} as Record<CountColumn, Buffer | string | null>;
    const durations = {} as Record<DurationColumn, Buffer | null>;
    COUNT_COLUMNS.forEach((name, place) => {
      counts[name] = this.#countColumn(values, rows, COUNT + place);
    });
    DURATION_COLUMNS.forEach((name, place) => {
      durations[name] = this.#secondsColumn(values, rows, place);
    });
    const texts = (column: readonly string[]) =>
      values.array(OID.text, rows, (row) => values.text(column[row] as string));
    return {
      sessionIds: texts(this.#sessionIds),
      usageTypes: texts(this.#usageTypes),
      providers: texts(this.#providers),
      models: texts(this.#models),
      eventCounts: this.#numberColumn(values, rows, EVENTS),
      firstUs: this.#numberColumn(values, rows, FIRST_US),
      lastUs: this.#numberColumn(values, rows, LAST_US),
      ...counts,
      ...durations,
    };
  }

  #numberColumn(values: BinaryValues, rows: number, place: number): Buffer {
    return values.array(OID.int8, rows, (row) => {
      values.int8(this.#numbers[row * WIDTH + place] as number);
    });
  }

  /** A column to which nothing is added needs no array, and a zero in one is null: it is shorter. */
  #countColumn(values: BinaryValues, rows: number, place: number): Buffer | string | null {
    if (this.#large.size > 0) return this.#largeColumn(rows, place);
    const numbers = this.#numbers;
    let isEmpty = true;
    for (let row = 0; row < rows && isEmpty; row += 1) {
      isEmpty = numbers[row * WIDTH + place] === 0;
    }
    if (isEmpty) return null;
    return values.array(OID.int8, rows, (row) => {
      const count = numbers[row * WIDTH + place] as number;
      if (count === 0) values.null();
      else values.int8(count);
    });
  }

  /** As text: binary form has no number that is too large, which Postgres is to refuse. */
  #largeColumn(rows: number, place: number): string {
    const at = (row: number) => row * WIDTH + place;
    const column = Array.from({ length: rows }, (_, row) => {
      return this.#large.get(at(row)) ?? (this.#numbers[at(row)] as number);
    });
    return `{${column.join(',')}}`;
  }

  #secondsColumn(values: BinaryValues, rows: number, place: number): Buffer | null {
    const secondsOf = (row: number) => this.#seconds[row * DURATIONS + place];
    let isEmpty = true;
    for (let row = 0; row < rows && isEmpty; row += 1) isEmpty = secondsOf(row) === undefined;
    if (isEmpty) return null;
    return values.array(OID.numeric, rows, (row) => {
      const seconds = secondsOf(row);
      if (seconds === undefined) values.null();
      else values.numeric(seconds);
    });
  }

  #addCount(at: number, value: number): void {
    const numbers = this.#numbers;
    const sum = (numbers[at] as number) + value;
    const isLarge = this.#large.size > 0 && this.#large.has(at);
    if (!isLarge && Number.isSafeInteger(sum)) {
      numbers[at] = sum;
      return;
    }
    const exact = (this.#large.get(at) ?? BigInt(numbers[at] as number)) + BigInt(value);
    this.#large.set(at, exact);
  }

  #addSeconds(at: number, value: number): void {
    const known = this.#seconds[at];
    if (known === undefined) this.#seconds[at] = new Decimal().add(value);
    else known.add(value);
  }

  #rowOf({ metricType, provider, model }: BillableMessage): number {
    const usageType = USAGE_TYPE_OF[metricType];
    const end = Math.min(this.#sessionIds.length, this.#first + FEW);
    for (let row = this.#first; row < end; row += 1) {
      if (this.#models[row] !== model || this.#providers[row] !== provider) continue;
      if (this.#usageTypes[row] === usageType) return row;
    }
    if (end < this.#first + FEW) return this.#addRow(usageType, provider, model);
    return this.#rowOfMany(usageType, provider, model);
  }

  #rowOfMany(usageType: UsageType, provider: string, model: string): number {
    this.#many ??= new Map();
    let rows = this.#many.get(usageType);
    if (rows === undefined) {
      rows = new UsageRows((p, m) => ({ row: this.#addRow(usageType, p, m) }));
      this.#many.set(usageType, rows);
    }
    return rows.get(provider, model).row;
  }

  #addRow(usageType: UsageType, provider: string, model: string): number {
    const row = this.#sessionIds.length;
    this.#sessionIds.push(this.#sessionId);
    this.#usageTypes.push(usageType);
    this.#providers.push(provider);
    this.#models.push(model);
    const at = row * WIDTH;
    if (at + WIDTH > this.#numbers.length) {
      const larger = new Float64Array(this.#numbers.length * 2);
      larger.set(this.#numbers);
      this.#numbers = larger;
    }
    this.#numbers[at + FIRST_US] = Number.POSITIVE_INFINITY;
    this.#numbers[at + LAST_US] = Number.NEGATIVE_INFINITY;
    for (let i = 0; i < DURATIONS; i += 1) this.#seconds.push(undefined);
    return row;
  }
}
