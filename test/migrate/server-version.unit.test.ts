import { expect, test } from 'vitest';
import { WrongUsageError } from '../../src/errors.ts';
import { requireRecentServer } from '../../src/migrate/schema-owner.ts';

const server = (number: string, version: string) =>
  ({ query: async () => ({ rows: [{ number, version }] }) }) as never;

// It migrated, and `position show` failed on a type that the server does not have.
test('a server older than Postgres 14 is refused, with its version', async () => {
  await expect(requireRecentServer(server('130023', '13.23'))).rejects.toThrow(WrongUsageError);
  await expect(requireRecentServer(server('130023', '13.23'))).rejects.toThrow('Postgres 13.23');
  await requireRecentServer(server('140000', '14.0'));
  await requireRecentServer(server('180004', '18.4'));
});
