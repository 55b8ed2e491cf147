import { expect, test } from 'vitest';
import { USAGE_COLUMNS } from '../../src/livekit/usage-columns.ts';
import { REPORT_COLUMNS } from '../../src/report/usage-report.ts';

test('the report has every usage column', () => {
  expect(REPORT_COLUMNS).toEqual(expect.arrayContaining([...USAGE_COLUMNS]));
});
