import { type BillableMetric, identify, requestIdOf } from '../../src/identify/identity.ts';
import { type SessionBatch, sessionBatchesOf } from '../../src/ledger/session-batch.ts';
import { usageValues } from '../../src/livekit/usage-of.ts';
import type {
  BillableMessage,
  IgnoredMessage,
  Message,
  SessionNote,
} from '../../src/records/message.ts';

/** Messages as the parts of the ledger without I/O take them. */

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

/** The session batch of messages of one session. */
export function sessionOf(...messages: Message[]): SessionBatch {
  const [session] = sessionBatchesOf(messages);
  if (session === undefined) throw new Error('no session');
  return session;
}
