import type { ModelUsage, ReportedModelUsage, SessionUsageReport } from '../livekit/index.ts';
import { NO_USAGE } from '../livekit/usage-columns.ts';

/** What an agent sends when its session closes: what it counted itself. */
export function sessionReport(usage: readonly ModelUsage[], timestamp: number): SessionUsageReport {
  const model_usage = usage.map((row): ReportedModelUsage => ({ ...NO_USAGE, ...row }));
  return { type: 'session_usage_report', timestamp, model_usage };
}
