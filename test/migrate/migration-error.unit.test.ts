import { expect, test } from 'vitest';
import { loadSettings } from '../../src/config/settings.ts';
import { UnreachableError } from '../../src/errors.ts';
import { migrationError } from '../../src/migrate/migration-lock.ts';

test('a migration that Postgres ended in a deadlock is to be run again', () => {
  const settings = loadSettings({ DATABASE_URL: 'postgres://localhost/ledger' }, ['database']);
  const error = migrationError(
    Object.assign(new Error('deadlock detected'), { code: '40P01' }),
    settings,
  );
  expect(error).toBeInstanceOf(UnreachableError);
  expect(error).toMatchObject({ message: expect.stringContaining('run migrate again') });
});
