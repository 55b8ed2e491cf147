import { expect, test } from 'vitest';
import { readMigrations } from '../../src/migrate/migration-files.ts';

test('each migration is newer than the one before: an older one would never be applied', () => {
  const migrations = readMigrations();
  expect(migrations.map(({ tag }) => tag)).toEqual(migrations.map(({ tag }) => tag).toSorted());
  const times = migrations.map(({ when }) => when);
  expect(times).toEqual([...new Set(times)].toSorted((a, b) => a - b));
  expect(migrations.every(({ hash, statements }) => hash !== '' && statements.length > 0)).toBe(
    true,
  );
});
