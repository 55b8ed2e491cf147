import type { AgentMetrics, ReportedModelUsage } from '../../src/livekit/types.ts';
import { NO_USAGE, USAGE_COLUMNS } from '../../src/livekit/usage-columns.ts';
import type { EventInput } from '../../src/produce/encoder.ts';
import type { ExpectedRow, RecordedCalls } from './recorded-calls.ts';

/** What the agents of recorded calls send when their sessions close: what Python's collector counted. */
export function recordedReports({ events, modelUsage }: RecordedCalls): EventInput[] {
  const usageOf = new Map<string, ReportedModelUsage[]>();
  for (const row of modelUsage) {
    const sessionId = String(row['session_id']);
    const known = usageOf.get(sessionId);
    if (known === undefined) usageOf.set(sessionId, [reportedUsage(row)]);
    else known.push(reportedUsage(row));
  }
  const closedAt = new Map(
    events.map(({ session_id, metric }) => [session_id, (metric as AgentMetrics).timestamp]),
  );
  return [...usageOf].map(([session_id, model_usage]) => ({
    session_id,
    metric: {
      type: 'session_usage_report',
      timestamp: closedAt.get(session_id) ?? 0,
      model_usage,
    },
  }));
}

/** Durations are exact decimals in the rows, and doubles in an agent. */
function reportedUsage(row: ExpectedRow): ReportedModelUsage {
  const texts = {
    type: String(row['usage_type']),
    provider: String(row['provider']),
    model: String(row['model']),
  };
  const values = USAGE_COLUMNS.map((name) => [name, Number(row[name] ?? 0)]);
  return { ...NO_USAGE, ...Object.fromEntries(values), ...texts };
}
