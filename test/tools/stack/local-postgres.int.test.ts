import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type OwnService, ownService } from '../../support/own-service.ts';

let own: OwnService;
beforeAll(async () => {
  own = await ownService('postgres');
});
afterAll(async () => {
  await own.stop();
});

// The superuser of the stack, who runs programs, had a password that everybody knows.
test('the stack’s Postgres lets nobody in with a known password, and listens on loopback only', async () => {
  const url = new URL(own.urls.databaseUrl);
  expect(url.password).toMatch(/^[0-9a-f]{32}$/);
  const client = new pg.Client({ connectionString: url.href });
  await client.connect();
  const { rows } = await client.query<Record<string, string>>(
    `SELECT current_setting('listen_addresses') AS addresses,
      current_setting('unix_socket_directories') AS sockets,
      current_setting('password_encryption') AS encryption`,
  );
  await client.end();
  expect(rows).toEqual([{ addresses: '127.0.0.1', sockets: '', encryption: 'scram-sha-256' }]);
  url.password = 'postgres';
  const guess = new pg.Client({ connectionString: url.href });
  await expect(guess.connect()).rejects.toThrow('password authentication failed');
});
