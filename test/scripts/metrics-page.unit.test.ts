import { expect, test } from 'vitest';
import { readMetricsPage, withMetricTables } from '../../scripts/generate-metrics-page.ts';

test('docs/metrics.md is up to date', () => {
  expect(withMetricTables(readMetricsPage())).toBe(readMetricsPage());
});
