import {
  COUNT_COLUMNS,
  DURATION_COLUMNS,
  type UsageColumn,
  type UsageType,
} from '../livekit/usage-columns.ts';
import { PLACES_OF, USAGE_TYPE_OF } from '../livekit/usage-of.ts';
import { UsageRows } from '../livekit/usage-rows.ts';
import { numberArray } from '../postgres/array-literal.ts';
import { BinaryValues, OID } from '../postgres/binary-values.ts';
import { DecimalSum } from '../postgres/decimal.ts';
import { addToLimbs, LIMBS, textOfLimbs } from '../postgres/limbs.ts';
import type { BillableMessage } from '../records/message.ts';
import type { UsageParameters } from './statements/usage.ts';

/** Up to so many rows of a session are searched one by one: most sessions have few. */
const FEW = 8;
const COUNTS = COUNT_COLUMNS.length;
/** Numbers of a row: how many events, their first and last time, the counts, and limbs of seconds. */
const EVENTS = 0;
const FIRST_US = 1;
const LAST_US = 2;
const COUNT = 3;
const SECONDS = COUNT + COUNTS;
const WIDTH = SECONDS + DURATION_COLUMNS.length * LIMBS;
/** Estimated size of a row in binary form. */
const ROW_BYTES = 192;
const INITIAL_ROWS = 1_024;

/**
 * Sums what a batch adds to the rows of `session_model_usage`, exactly, into columns in binary form. As
 * objects and texts the sums were most of the garbage that a batch made.
 */
export class BatchUsage {
  readonly #sessionIds: string[] = [];
  readonly #usageTypes: UsageType[] = [];
  readonly #providers: string[] = [];
  readonly #models: string[] = [];
  /** Row by row, `WIDTH` numbers each. */
  #numbers = new Float64Array(INITIAL_ROWS * WIDTH);
  /** Counts beyond the exact range of a number, by their index in `#numbers`. */
  readonly #large = new Map<number, bigint>();
  /** Seconds that limbs do not hold, by the place of those. */
  readonly #unusual = new Map<number, DecimalSum>();
  #sessionId = '';
  /** The first row of the session. */
  #first = 0;
  #many: Map<UsageType, UsageRows<{ row: number }>> | undefined;

  /** Adds the fresh events of a session. Each session may be added once. */
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
      else this.#addSeconds(at + SECONDS + (place - COUNTS) * LIMBS, value);
    }
    const { eventUs } = event;
    const numbers = this.#numbers;
    numbers[at + EVENTS] = (numbers[at + EVENTS] as number) + 1;
    if (eventUs < (numbers[at + FIRST_US] as number)) numbers[at + FIRST_US] = eventUs;
    if (eventUs > (numbers[at + LAST_US] as number)) numbers[at + LAST_US] = eventUs;
  }

  /** `undefined`: nothing was added. */
  parameters(): UsageParameters | undefined {
    const rows = this.#sessionIds.length;
    if (rows === 0) return undefined;
    const values = new BinaryValues(rows * ROW_BYTES);
    const columns = {} as Record<UsageColumn, Buffer | string | null>;
    COUNT_COLUMNS.forEach((name, place) => {
      columns[name] = this.#countColumn(values, rows, COUNT + place);
    });
    DURATION_COLUMNS.forEach((name, place) => {
      columns[name] = this.#secondsColumn(values, rows, SECONDS + place * LIMBS);
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
      ...columns,
    };
  }

  #numberColumn(values: BinaryValues, rows: number, place: number): Buffer {
    return values.array(OID.int8, rows, (row) => {
      values.int8(this.#numbers[row * WIDTH + place] as number);
    });
  }

  /** Null where nothing is added to the column; in an array, a zero is null, which is shorter. */
  #countColumn(values: BinaryValues, rows: number, place: number): Buffer | string | null {
    if (this.#large.size > 0) return this.#largeColumn(rows, place);
    let isEmpty = true;
    for (let row = 0; row < rows && isEmpty; row += 1) {
      isEmpty = this.#numbers[row * WIDTH + place] === 0;
    }
    if (isEmpty) return null;
    return values.array(OID.int8, rows, (row) => {
      const count = this.#numbers[row * WIDTH + place] as number;
      if (count === 0) values.null();
      else values.int8(count);
    });
  }

  /** As text, so that Postgres refuses a count beyond bigint. */
  #largeColumn(rows: number, place: number): string {
    const at = (row: number) => row * WIDTH + place;
    const column = Array.from({ length: rows }, (_, row) => {
      return this.#large.get(at(row)) ?? (this.#numbers[at(row)] as number);
    });
    return numberArray(column);
  }

  #secondsColumn(values: BinaryValues, rows: number, place: number): Buffer | null {
    let isEmpty = true;
    for (let row = 0; row < rows && isEmpty; row += 1) isEmpty = !this.#hasSeconds(row, place);
    if (isEmpty) return null;
    return values.array(OID.numeric, rows, (row) => {
      if (this.#hasSeconds(row, place)) this.#writeSeconds(values, row * WIDTH + place);
      else values.null();
    });
  }

  #hasSeconds(row: number, place: number): boolean {
    const at = row * WIDTH + place;
    for (let limb = at; limb < at + LIMBS; limb += 1) if (this.#numbers[limb] !== 0) return true;
    return this.#unusual.has(at);
  }

  #writeSeconds(values: BinaryValues, at: number): void {
    const sum = this.#unusual.get(at);
    if (sum === undefined) {
      values.numericOfLimbs(this.#numbers, at);
    } else {
      sum.addText(textOfLimbs(this.#numbers, at));
      values.numeric(sum.toString());
    }
  }

  #addCount(at: number, value: number): void {
    const sum = (this.#numbers[at] as number) + value;
    const isLarge = this.#large.size > 0 && this.#large.has(at);
    if (!isLarge && Number.isSafeInteger(sum)) {
      this.#numbers[at] = sum;
      return;
    }
    const exact = (this.#large.get(at) ?? BigInt(this.#numbers[at] as number)) + BigInt(value);
    this.#large.set(at, exact);
  }

  #addSeconds(at: number, value: number): void {
    if (addToLimbs(this.#numbers, at, value)) return;
    let sum = this.#unusual.get(at);
    if (sum === undefined) {
      sum = new DecimalSum();
      this.#unusual.set(at, sum);
    }
    sum.add(value);
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
    return row;
  }
}
