import { expect, test } from 'vitest';
import {
  MAX_BATCH_BYTES,
  MEMORY_BUDGET,
  MEMORY_BUDGET_BYTES,
} from '../../src/config/memory-budget.ts';

test('the memory that is counted stays below a quarter of what a worker may take', () => {
  expect(MEMORY_BUDGET_BYTES).toBe(69 * 1_048_576);
  expect(MEMORY_BUDGET_BYTES).toBeLessThan(300_000_000 / 4);
});

test('two partitions fit with one batch in Postgres and one prepared, each as large as may be', () => {
  expect(4 * MAX_BATCH_BYTES).toBeLessThanOrEqual(MEMORY_BUDGET.buffered);
});
