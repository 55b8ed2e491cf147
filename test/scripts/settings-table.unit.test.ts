import { expect, test } from 'vitest';
import { readReadme, withSettingsTable } from '../../scripts/generate-settings-table.ts';

test('the table of settings in the README is up to date', () => {
  expect(withSettingsTable(readReadme())).toBe(readReadme());
});
