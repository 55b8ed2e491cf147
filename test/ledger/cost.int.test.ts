import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openDatabase } from '../../src/ledger/database.ts';
import { Ledger } from '../../src/ledger/ledger.ts';
import type { Message } from '../../src/ledger/message.ts';
import { simulateEvents } from '../../src/simulate/simulate-events.ts';
import { newLedgerWorld, type LedgerWorld } from '../support/ledger-world.ts';
import { encoded, messageAt } from '../support/messages.ts';

/**
 * What a batch costs Postgres and the wire, counted and not timed, so that a busy machine changes
 * nothing about it. A figure that falls may be lowered here; one that has to rise wants a reason.
 */
const EVENTS = 4_000;
const SESSIONS = 100;

let world: LedgerWorld;
let database: ReturnType<typeof openDatabase>;
let statements: string[] = [];
let bytesSent: () => number = () => 0;
const values: Buffer[] = [];
for (const event of simulateEvents({ sessions: 10_000, seed: 7, liveSessions: SESSIONS })) {
  if (values.length === EVENTS) break;
  values.push(encoded(event));
}
const messages = values.map((value) => (offset: number): Message => messageAt(offset, value));

beforeAll(async () => {
  world = await newLedgerWorld();
  // One connection, so that its own statistics are all there is.
  database = openDatabase(world.settings, 1);
  database.on('connect', (connection) => {
    const { query } = connection;
    connection.query = ((config: { name?: string; text: string }, ...more: unknown[]) => {
      statements.push(config.name ?? config.text);
      return (query as (...all: unknown[]) => unknown).call(connection, config, ...more);
    }) as typeof query;
    const { stream } = (connection as unknown as { connection: { stream: { bytesWritten: number } } })
      .connection;
    bytesSent = () => stream.bytesWritten;
  });
});
afterAll(async () => {
  await database.end();
  await world.close();
});

/** Bytes of WAL that the connection wrote, without the images of whole pages behind a checkpoint. */
async function walBytes(): Promise<number> {
  await database.query({ text: 'SELECT pg_stat_force_next_flush()' });
  const { rows } = await database.query({
    text: `SELECT (wal_bytes - wal_fpi * 8192)::int AS bytes
      FROM pg_stat_get_backend_wal(pg_backend_pid())`,
  });
  return rows[0].bytes;
}

describe('what a batch costs', () => {
  test('of new sessions, of sessions that are known, of duplicates, and of a single event', async () => {
    const ledger = new Ledger(database, { cacheBytes: 10_000_000 });
    const partition = await world.partition(0);
    const book = async (some: typeof messages) => {
      await database.query({ text: 'SELECT 1' });
      const [sent, wal] = [bytesSent(), await walBytes()];
      statements = [];
      const result = await partition.book(ledger, some);
      const roundTrips = [...statements];
      if (result.status !== 'applied') throw new Error('the batch was not applied');
      const { counts } = result;
      return { roundTrips, counts, sent: bytesSent() - sent, wal: (await walBytes()) - wal };
    };
    const half = EVENTS / 2;

    const first = await book(messages.slice(0, half));
    const names = ['add_sources', 'read_sources', 'begin', 'lock_position', 'load_sessions'];
    expect(first.roundTrips.map((text) => text.replace(/^BEGIN.*/, 'begin'))).toEqual([
      ...names,
      'touch_sessions',
      'read_row_oid',
      'insert_pages',
      'add_usage',
      'keep_books',
      'COMMIT',
    ]);

    const second = await book(messages.slice(half));
    const billable = second.counts.applied;
    expect(second.roundTrips.length).toBeLessThanOrEqual(first.roundTrips.length);
    const perEvent = { sent: second.sent / billable, wal: second.wal / billable };
    expect(perEvent.sent).toBeLessThan(0);
    expect(perEvent.wal).toBeLessThan(0);

    const again = await book(messages.slice(half));
    expect(again.counts.applied).toBe(0);
    expect(again.roundTrips.length).toBe(4);
    expect(again.wal / billable).toBeLessThan(1);
  });
});
