import {
  COUNT_COLUMNS,
  DURATION_COLUMNS,
  type UsageColumn,
  type UsageType,
} from '../metrics/usage-columns.ts';
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
  readonly counts: (number | bigint)[];
  readonly durations: DecimalSum[];
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
    counts: COUNT_COLUMNS.map(() => 0),
    durations: DURATION_COLUMNS.map(() => new DecimalSum()),
    events: 0,
    firstUs: Number.POSITIVE_INFINITY,
    lastUs: Number.NEGATIVE_INFINITY,
  };
}

function add(delta: UsageDelta, { usage, eventUs }: BillableMessage): void {
  for (let i = 0; i < COUNT_COLUMNS.length; i += 1) {
    const value = usage[COUNT_COLUMNS[i] as UsageColumn];
    if (value !== 0) delta.counts[i] = addExactly(delta.counts[i] ?? 0, value);
  }
  for (let i = 0; i < DURATION_COLUMNS.length; i += 1) {
    delta.durations[i]?.add(usage[DURATION_COLUMNS[i] as UsageColumn]);
  }
  delta.events += 1;
  delta.firstUs = Math.min(delta.firstUs, eventUs);
  delta.lastUs = Math.max(delta.lastUs, eventUs);
}

function parametersOf(deltas: readonly UsageDelta[]): UsageParameters {
  const columns = {} as Record<UsageColumn, string | null>;
  COUNT_COLUMNS.forEach((name, i) => {
    columns[name] = column(deltas.map(({ counts }) => counts[i] ?? 0));
  });
  DURATION_COLUMNS.forEach((name, i) => {
    columns[name] = column(deltas.map(({ durations }) => String(durations[i])));
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
function column(values: readonly (number | bigint | string)[]): string | null {
  return values.every((value) => value === 0 || value === '0') ? null : numberArray(values);
}
