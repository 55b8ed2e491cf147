import type { BillableMetric } from '../identify/identity.ts';
import {
  COUNT_COLUMNS,
  DURATION_COLUMNS,
  USAGE_COLUMNS,
  type UsageColumn,
  type UsageType,
} from '../livekit/usage-columns.ts';
import type { BillableUsage } from '../livekit/usage-of.ts';
import { int8Array, numericArray, textArray } from '../postgres/arrays.ts';
import { Decimal } from '../postgres/decimal.ts';

/** A signed difference to what is billed under one name. */
export interface UsageDifference {
  readonly metricType: BillableMetric['type'];
  readonly usageType: UsageType;
  readonly provider: string;
  readonly model: string;
  /** Exact decimals, one for each usage column. */
  readonly usage: Record<UsageColumn, Decimal>;
}

/** The usage of a metric minus what is billed before, by name: the two may be billed under other names. */
export function differencesOf(
  metric: BillableMetric,
  usage: BillableUsage,
  before: readonly ({ provider: string; model: string } & Record<UsageColumn, string>)[],
): UsageDifference[] {
  const differences: UsageDifference[] = [];
  const under = (provider: string, model: string): UsageDifference => {
    const known = differences.find((other) => other.provider === provider && other.model === model);
    if (known !== undefined) return known;
    const metricType = metric.type;
    const { usageType } = usage;
    const difference = { metricType, usageType, provider, model, usage: zeros() };
    differences.push(difference);
    return difference;
  };
  for (const row of before) {
    const difference = under(row.provider, row.model);
    for (const name of USAGE_COLUMNS) difference.usage[name].addText(negated(row[name]));
  }
  const difference = under(usage.provider, usage.model);
  for (const name of USAGE_COLUMNS) difference.usage[name].add(usage[name]);
  return differences;
}

/**
 * As parameters of `addUsage`.
 *
 * @param at.events how many each difference counts as
 */
export function usageParameters(
  sessionId: string,
  differences: readonly UsageDifference[],
  at: { readonly eventUs: number; readonly events: number },
) {
  const columns = {} as Record<UsageColumn, Buffer>;
  for (const name of COUNT_COLUMNS) {
    columns[name] = int8Array(differences.map(({ usage }) => String(usage[name])));
  }
  for (const name of DURATION_COLUMNS) {
    columns[name] = numericArray(differences.map(({ usage }) => usage[name]));
  }
  return {
    ...columns,
    sessionIds: textArray(differences.map(() => sessionId)),
    usageTypes: textArray(differences.map(({ usageType }) => usageType)),
    providers: textArray(differences.map(({ provider }) => provider)),
    models: textArray(differences.map(({ model }) => model)),
    eventCounts: int8Array(differences.map(() => at.events)),
    firstUs: int8Array(differences.map(() => at.eventUs)),
    lastUs: int8Array(differences.map(() => at.eventUs)),
  };
}

function negated(decimal: string): string {
  return decimal.startsWith('-') ? decimal.slice(1) : `-${decimal}`;
}

function zeros(): Record<UsageColumn, Decimal> {
  const columns = USAGE_COLUMNS.map((name) => [name, new Decimal()]);
  return Object.fromEntries(columns) as Record<UsageColumn, Decimal>;
}
