import {
  COUNT_COLUMNS,
  DURATION_COLUMNS,
  type UsageColumn,
  type UsageType,
} from '../metrics/usage-columns.ts';
import { PLACES_OF, USAGE_TYPE_OF } from '../metrics/usage-of.ts';
import { UsageRows } from '../metrics/usage-rows.ts';
import { numberArray, textArray } from './array-literal.ts';
import { addExactly, DecimalSum } from './decimal.ts';
import type { BillableMessage } from './message.ts';
import type { SessionWork } from './session-work.ts';
import type { UsageParameters } from './statements/usage.ts';

/** What a batch adds to one row of `session_model_usage`, exactly. */
interface UsageDelta {
  readonly sessionId: string;
  readonly usageType: UsageType;
  readonly provider: string;
  readonly model: string;
  /** For each count column. */
  readonly counts: (number | bigint)[];
  /** For each duration column; `undefined`: nothing is added to it. */
  readonly durations: (DecimalSum | undefined)[];
  events: number;
  firstUs: number;
  lastUs: number;
}

/** The fresh events of a batch, added up by row. */
export function usageOf(sessions: Iterable<SessionWork>): UsageParameters | undefined {
  const deltas: UsageDelta[] = [];
  for (const { sessionId, fresh } of sessions) {
    const rows = new SessionRows(sessionId, deltas);
    for (const event of fresh) add(rows.get(event), event);
  }
  return deltas.length === 0 ? undefined : parametersOf(deltas);
}

/** Up to so many rows of a session are compared one by one: most sessions have a handful. */
const FEW = 8;

/** The rows of one session, made on first sight. */
class SessionRows {
  readonly #sessionId: string;
  readonly #deltas: UsageDelta[];
  readonly #first: number;
  #many: Map<UsageType, UsageRows<UsageDelta>> | undefined;

  /** @param deltas where rows are added */
  constructor(sessionId: string, deltas: UsageDelta[]) {
    this.#sessionId = sessionId;
    this.#deltas = deltas;
    this.#first = deltas.length;
  }

  get({ metricType, provider, model }: BillableMessage): UsageDelta {
    const usageType = USAGE_TYPE_OF[metricType];
    const deltas = this.#deltas;
    const end = Math.min(deltas.length, this.#first + FEW);
    for (let i = this.#first; i < end; i += 1) {
      const delta = deltas[i] as UsageDelta;
      if (delta.model !== model || delta.provider !== provider) continue;
      if (delta.usageType === usageType) return delta;
    }
    if (deltas.length < this.#first + FEW) return this.#make(usageType, provider, model);
    this.#many ??= new Map();
    let rows = this.#many.get(usageType);
    if (rows === undefined) {
      rows = new UsageRows((p, m) => this.#make(usageType, p, m));
      this.#many.set(usageType, rows);
    }
    return rows.get(provider, model);
  }

  #make(usageType: UsageType, provider: string, model: string): UsageDelta {
    const delta = newDelta(this.#sessionId, usageType, provider, model);
    this.#deltas.push(delta);
    return delta;
  }
}

function newDelta(
  sessionId: string,
  usageType: UsageType,
  provider: string,
  model: string,
): UsageDelta {
  return {
    sessionId,
    usageType,
    provider,
    model,
    counts: COUNT_COLUMNS.map(() => 0),
    durations: DURATION_COLUMNS.map(() => undefined),
    events: 0,
    firstUs: Number.POSITIVE_INFINITY,
    lastUs: Number.NEGATIVE_INFINITY,
  };
}

function add(delta: UsageDelta, event: BillableMessage): void {
  const { eventUs } = event;
  const places = PLACES_OF[event.metricType];
  for (let i = 0; i < places.length; i += 1) {
    const value = event.valueAt(i);
    if (value === 0) continue;
    const place = places[i] as number;
    if (place < COUNT_COLUMNS.length) {
      delta.counts[place] = addExactly(delta.counts[place] as number | bigint, value);
    } else {
      const duration = place - COUNT_COLUMNS.length;
      const sum = delta.durations[duration] ?? new DecimalSum();
      delta.durations[duration] = sum;
      sum.add(value);
    }
  }
  delta.events += 1;
  if (eventUs < delta.firstUs) delta.firstUs = eventUs;
  if (eventUs > delta.lastUs) delta.lastUs = eventUs;
}

function parametersOf(deltas: readonly UsageDelta[]): UsageParameters {
  const columns = {} as Record<UsageColumn, string | null>;
  COUNT_COLUMNS.forEach((name, i) => {
    columns[name] = column(deltas, ({ counts }) => counts[i] as number | bigint);
  });
  DURATION_COLUMNS.forEach((name, i) => {
    columns[name] = column(deltas, ({ durations }) => durations[i]?.toString() ?? 0);
  });
  return {
    sessionIds: textArray(deltas.map(({ sessionId }) => sessionId)),
    usageTypes: textArray(deltas.map(({ usageType }) => usageType)),
    providers: textArray(deltas.map(({ provider }) => provider)),
    models: textArray(deltas.map(({ model }) => model)),
    eventCounts: numberArray(deltas.map(({ events }) => events)),
    firstUs: numberArray(deltas.map(({ firstUs }) => firstUs)),
    lastUs: numberArray(deltas.map(({ lastUs }) => lastUs)),
    ...columns,
  };
}

/** A column to which nothing is added needs no array. */
function column(
  deltas: readonly UsageDelta[],
  pick: (delta: UsageDelta) => number | bigint | string,
): string | null {
  const values = deltas.map(pick);
  return values.every((value) => value === 0) ? null : numberArray(values);
}
