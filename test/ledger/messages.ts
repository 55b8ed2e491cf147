import { type BillableMetric, identify, requestIdOf } from '../../src/identify/identity.ts';
import { usageValues } from '../../src/livekit/usage-of.ts';
import type { BillableMessage, IgnoredMessage, SessionNote } from '../../src/records/message.ts';

/** Messages as the pure parts of the ledger are given them. */

const record = (offset: number) => ({ offset, timestamp: 0, key: null, value: null, headers: {} });

export const note = (fields: Partial<SessionNote> = {}): SessionNote => ({
  sessionId: 'call',
  accountId: null,
  attributes: {},
  eventUs: 1_000,
  ...fields,
});

export function billable(
  metric: BillableMetric,
  session: Partial<SessionNote> = {},
  offset = 0,
): BillableMessage {
  return {
    kind: 'billable',
    offset,
    record: record(offset),
    schemaId: 7,
    metricType: metric.type,
    requestId: requestIdOf(metric),
    provider: metric.metadata?.model_provider ?? '',
    model: metric.metadata?.model_name ?? '',
    values: usageValues(metric) ?? [],
    valuesFrom: 0,
    ...note(session),
    ...identify(metric),
  };
}

export function ignored(session: Partial<SessionNote> | undefined, offset = 0): IgnoredMessage {
  return {
    kind: 'ignored',
    offset,
    record: record(offset),
    session: session === undefined ? undefined : note(session),
  };
}
