import {
  COUNT_COLUMNS,
  DURATION_COLUMNS,
  type UsageColumn,
  type UsageType,
} from '../metrics/usage-columns.ts';
import { PLACES_OF, USAGE_TYPE_OF } from '../metrics/usage-of.ts';
import { UsageRows } from '../metrics/usage-rows.ts';
import { numberArray, textArray } from './array-literal.ts';
import { DecimalSum } from './decimal.ts';
import type { BillableMessage } from './message.ts';
import type { SessionWork } from './session-work.ts';
import type { UsageParameters } from './statements/usage.ts';

/** The fresh events of a batch, added up by row. */
export function usageOf(sessions: Iterable<SessionWork>): UsageParameters | undefined {
  const usage = new BatchUsage();
  for (const { sessionId, fresh } of sessions) {
    if (fresh.length === 0) continue;
    usage.beginSession(sessionId);
    for (const event of fresh) usage.add(event);
  }
  return usage.parameters();
}

/** Up to so many rows of a session are compared one by one: most sessions have a handful. */
const FEW = 8;
const COUNTS = COUNT_COLUMNS.length;
const DURATIONS = DURATION_COLUMNS.length;

/**
 * What a batch adds to rows of `session_model_usage`, exactly. A number for each row and column: in
 * columns, since as objects they were most of what a batch leaves to the garbage collector.
 */
class BatchUsage {
  readonly #sessionIds: string[] = [];
  readonly #usageTypes: UsageType[] = [];
  readonly #providers: string[] = [];
  readonly #models: string[] = [];
  readonly #events: number[] = [];
  readonly #firstUs: number[] = [];
  readonly #lastUs: number[] = [];
  /** Row by row. What is not exact as a number any more is in `#large`, by its place here. */
  #counts = new Float64Array(64 * COUNTS);
  readonly #large = new Map<number, bigint>();
  /** By row and column; nothing where nothing was added. */
  readonly #durations = new Map<number, DecimalSum>();
  #sessionId = '';
  /** The first row of the session. */
  #first = 0;
  #many: Map<UsageType, UsageRows<{ row: number }>> | undefined;

  beginSession(sessionId: string): void {
    this.#sessionId = sessionId;
    this.#first = this.#sessionIds.length;
    this.#many = undefined;
  }

  add(event: BillableMessage): void {
    const row = this.#rowOf(event);
    const places = PLACES_OF[event.metricType];
    for (let i = 0; i < places.length; i += 1) {
      const value = event.valueAt(i);
      if (value === 0) continue;
      const place = places[i] as number;
      if (place < COUNTS) this.#addCount(row * COUNTS + place, value);
      else this.#addDuration(row * DURATIONS + place - COUNTS, value);
    }
    const { eventUs } = event;
    this.#events[row] = (this.#events[row] as number) + 1;
    if (eventUs < (this.#firstUs[row] as number)) this.#firstUs[row] = eventUs;
    if (eventUs > (this.#lastUs[row] as number)) this.#lastUs[row] = eventUs;
  }

  parameters(): UsageParameters | undefined {
    const rows = this.#sessionIds.length;
    if (rows === 0) return undefined;
    const columns = {} as Record<UsageColumn, string | null>;
    COUNT_COLUMNS.forEach((name, place) => {
      columns[name] = column(rows, (row) => {
        const at = row * COUNTS + place;
        return this.#large.get(at) ?? (this.#counts[at] as number);
      });
    });
    DURATION_COLUMNS.forEach((name, place) => {
      columns[name] = column(rows, (row) => {
        return this.#durations.get(row * DURATIONS + place)?.toString() ?? 0;
      });
    });
    return {
      sessionIds: textArray(this.#sessionIds),
      usageTypes: textArray(this.#usageTypes),
      providers: textArray(this.#providers),
      models: textArray(this.#models),
      eventCounts: numberArray(this.#events),
      firstUs: numberArray(this.#firstUs),
      lastUs: numberArray(this.#lastUs),
      ...columns,
    };
  }

  #addCount(at: number, value: number): void {
    const sum = (this.#counts[at] as number) + value;
    const isLarge = this.#large.size > 0 && this.#large.has(at);
    if (!isLarge && Number.isSafeInteger(sum)) {
      this.#counts[at] = sum;
      return;
    }
    const exact = (this.#large.get(at) ?? BigInt(this.#counts[at] as number)) + BigInt(value);
    this.#large.set(at, exact);
  }

  #addDuration(at: number, value: number): void {
    let sum = this.#durations.get(at);
    if (sum === undefined) {
      sum = new DecimalSum();
      this.#durations.set(at, sum);
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
    this.#events.push(0);
    this.#firstUs.push(Number.POSITIVE_INFINITY);
    this.#lastUs.push(Number.NEGATIVE_INFINITY);
    if ((row + 1) * COUNTS > this.#counts.length) {
      const larger = new Float64Array(this.#counts.length * 2);
      larger.set(this.#counts);
      this.#counts = larger;
    }
    return row;
  }
}

/** A column to which nothing is added needs no array. */
function column(rows: number, at: (row: number) => number | bigint | string): string | null {
  let isEmpty = true;
  const values = new Array<number | bigint | string>(rows);
  for (let row = 0; row < rows; row += 1) {
    const value = at(row);
    values[row] = value;
    if (value !== 0) isEmpty = false;
  }
  return isEmpty ? null : numberArray(values);
}
