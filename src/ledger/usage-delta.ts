import {
  COUNT_COLUMNS,
  type CountColumn,
  DURATION_COLUMNS,
  type DurationColumn,
  type UsageColumn,
  type UsageType,
} from '../metrics/usage-columns.ts';
import { COLUMNS_OF } from '../metrics/usage-of.ts';
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
  readonly counts: Partial<Record<CountColumn, number | bigint>>;
  readonly durations: Partial<Record<DurationColumn, DecimalSum>>;
  events: number;
  firstUs: number;
  lastUs: number;
}

/** The fresh events of a batch, added up by row. */
export function usageOf(sessions: Iterable<SessionWork>): UsageParameters | undefined {
  const deltas: UsageDelta[] = [];
  for (const { sessionId, fresh } of sessions) {
    const kinds = new Map<UsageType, UsageRows<UsageDelta>>();
    for (const event of fresh) {
      const { usageType, provider, model } = event.usage;
      let rows = kinds.get(usageType);
      if (rows === undefined) {
        rows = new UsageRows((rowProvider, rowModel) => {
          const delta = newDelta(sessionId, usageType, rowProvider, rowModel);
          deltas.push(delta);
          return delta;
        });
        kinds.set(usageType, rows);
      }
      add(rows.get(provider, model), event);
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
    counts: {},
    durations: {},
    events: 0,
    firstUs: Number.POSITIVE_INFINITY,
    lastUs: Number.NEGATIVE_INFINITY,
  };
}

function add(delta: UsageDelta, { metricType, usage, eventUs }: BillableMessage): void {
  for (const name of COLUMNS_OF[metricType]) {
    const value = usage[name];
    if (value === 0) continue;
    if (name === 'session_duration' || name === 'audio_duration') {
      let sum = delta.durations[name];
      if (sum === undefined) {
        sum = new DecimalSum();
        delta.durations[name] = sum;
      }
      sum.add(value);
    } else delta.counts[name] = addExactly(delta.counts[name] ?? 0, value);
  }
  delta.events += 1;
  if (eventUs < delta.firstUs) delta.firstUs = eventUs;
  if (eventUs > delta.lastUs) delta.lastUs = eventUs;
}

function parametersOf(deltas: readonly UsageDelta[]): UsageParameters {
  const columns = {} as Record<UsageColumn, string | null>;
  for (const name of COUNT_COLUMNS) columns[name] = column(deltas, ({ counts }) => counts[name]);
  for (const name of DURATION_COLUMNS) {
    columns[name] = column(deltas, ({ durations }) => durations[name]?.toString());
  }
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
  pick: (delta: UsageDelta) => number | bigint | string | undefined,
): string | null {
  let isUsed = false;
  const values = deltas.map((delta) => {
    const value = pick(delta);
    if (value !== undefined) isUsed = true;
    return value ?? 0;
  });
  return isUsed ? numberArray(values) : null;
}
