import { expect, test } from 'vitest';
import { WorkerMetrics } from '../../../src/http/metrics/worker-metrics.ts';

test('compactions are counted by sessions, pages before and after, seconds and failures', async () => {
  const metrics = new WorkerMetrics(() => []);
  metrics.compaction.compacted({ sessions: 3, pagesBefore: 120, pagesAfter: 4, ms: 8, seen: 5 });
  metrics.compaction.failed();

  const text = await metrics.registry.metrics();

  expect(text).toMatch(/^usage_ledger_compacted_sessions_total 3$/m);
  expect(text).toMatch(/^usage_ledger_compacted_pages_total\{state="before"\} 120$/m);
  expect(text).toMatch(/^usage_ledger_compacted_pages_total\{state="after"\} 4$/m);
  expect(text).toMatch(/^usage_ledger_compaction_seconds_sum 0.008$/m);
  expect(text).toMatch(/^usage_ledger_compaction_failures_total 1$/m);
});
