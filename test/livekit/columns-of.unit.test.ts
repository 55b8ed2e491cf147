import { expect, test } from 'vitest';
import type { AgentMetrics } from '../../src/livekit/types.ts';
import { USAGE_COLUMNS } from '../../src/livekit/usage-columns.ts';
import { billableUsage, COLUMNS_OF } from '../../src/livekit/usage-of.ts';
import { recorded } from './recorded.ts';

test('the recorded metrics of a type contribute to exactly the columns that COLUMNS_OF has for it', () => {
  const files = ['livekit-1.8.9/calls/events.jsonl', 'livekit-1.8.9/collector/events.jsonl'];
  const seen = new Map<string, Set<string>>();
  for (const file of files) {
    for (const { metric } of recorded<{ metric: AgentMetrics }>(file)) {
      const usage = billableUsage(metric);
      if (usage === undefined) continue;
      const columns = seen.get(metric.type) ?? new Set<string>();
      seen.set(metric.type, columns);
      for (const name of USAGE_COLUMNS) {
        if (usage[name] !== 0) columns.add(name);
      }
    }
  }
  expect(seen.size).toBeGreaterThan(0);
  const columnsOf = new Map<string, readonly string[]>(Object.entries(COLUMNS_OF));
  for (const [type, columns] of seen) expect(columns, type).toEqual(new Set(columnsOf.get(type)));
});
