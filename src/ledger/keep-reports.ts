import type { ReportedModelUsage } from '../livekit/types.ts';
import { USAGE_COLUMNS } from '../livekit/usage-columns.ts';
import { int8Array, textArray } from '../postgres/arrays.ts';
import type { Queryable } from '../postgres/statement.ts';
import type { Batch } from '../records/message.ts';
import type { Report } from './report.ts';
import type { SessionBatch } from './session-batch.ts';
import { upsertReports } from './statements/reports.ts';

/** Keeps what agents counted themselves: of each session the latest report, whatever order they come in. */
export async function keepReports(
  connection: Queryable,
  { topic, partition }: Pick<Batch, 'topic' | 'partition'>,
  sessions: readonly SessionBatch[],
): Promise<void> {
  const sessionIds: string[] = [];
  const reports: Report[] = [];
  for (const { sessionId, report } of sessions) {
    if (report === undefined) continue;
    sessionIds.push(sessionId);
    reports.push(report);
  }
  if (reports.length === 0) return;
  await upsertReports.run(connection, {
    topic,
    partition,
    sessionIds: textArray(sessionIds),
    reportedUs: int8Array(reports.map(({ reportedUs }) => reportedUs)),
    modelUsages: textArray(
      reports.map(({ modelUsage }) => JSON.stringify(modelUsage.map(compact))),
    ),
    offsets: int8Array(reports.map(({ offset }) => offset)),
  });
}

/** Without what is zero: of 18 columns, a model fills a few. */
function compact(usage: ReportedModelUsage): Record<string, string | number> {
  const { type, provider, model } = usage;
  const compacted: Record<string, string | number> = { type, provider, model };
  for (const name of USAGE_COLUMNS) if (usage[name] !== 0) compacted[name] = usage[name];
  return compacted;
}
