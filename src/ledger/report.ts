import type { ReportedModelUsage } from '../livekit/types.ts';

/** What an agent counted itself, as it is kept. */
export interface Report {
  /** Microseconds since 1970. */
  readonly reportedUs: number;
  readonly offset: number;
  readonly modelUsage: readonly ReportedModelUsage[];
}

/** The one that stands, of two of a session in one partition: an agent's counts only grow. */
export function laterReport(a: Report | undefined, b: Report): Report {
  if (a === undefined || a.reportedUs < b.reportedUs) return b;
  return a.reportedUs === b.reportedUs && a.offset < b.offset ? b : a;
}
