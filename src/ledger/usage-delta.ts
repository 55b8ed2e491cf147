import {
  COUNT_COLUMNS,
  DURATION_COLUMNS,
  USAGE_COLUMNS,
  type UsageColumn,
  type UsageType,
} from '../metrics/usage-columns.ts';
import { type BillableMetric, COLUMNS_OF, USAGE_TYPE_OF } from '../metrics/usage-of.ts';
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

/** For each metric type: the place among all usage columns of each of its values. */
const PLACES = Object.fromEntries(
  Object.entries(COLUMNS_OF).map(([type, columns]) => [
    type,
    columns.map((name) => (USAGE_COLUMNS as readonly string[]).indexOf(name)),
  ]),
) as unknown as Record<BillableMetric['type'], readonly number[]>;

/** The fresh events of a batch, added up by row. */
export function usageOf(sessions: Iterable<SessionWork>): UsageParameters | undefined {
  const deltas: UsageDelta[] = [];
  for (const { sessionId, fresh } of sessions) {
    const kinds = new Map<UsageType, UsageRows<UsageDelta>>();
    for (const event of fresh) {
      const usageType = USAGE_TYPE_OF[event.metricType];
      let rows = kinds.get(usageType);
      if (rows === undefined) {
        rows = new UsageRows((provider, model) => {
          const delta = newDelta(sessionId, usageType, provider, model);
          deltas.push(delta);
          return delta;
        });
        kinds.set(usageType, rows);
      }
      add(rows.get(event.provider, event.model), event);
    }
  }
  return deltas.length === 0 ? undefined : parametersOf(deltas);
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

function add(delta: UsageDelta, { metricType, values, eventUs }: BillableMessage): void {
  const places = PLACES[metricType];
  for (let i = 0; i < values.length; i += 1) {
    const value = values[i] as number;
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
