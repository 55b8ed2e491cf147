import { afterAll, beforeAll, expect, test } from 'vitest';
import { Ledger } from '../../src/ledger/ledger.ts';
import { openDatabase } from '../../src/postgres/database.ts';
import type { Message } from '../../src/records/message.ts';
import { simulateEvents } from '../../src/simulate/simulate-events.ts';
import { llm } from '../identify/samples.ts';
import { type BookedPartition, type LedgerWorld, newLedgerWorld } from '../support/ledger-world.ts';
import { encoded, messageAt } from '../support/messages.ts';

/**
 * What a batch costs Postgres and the network. Counted and not timed, so that a busy machine gives the
 * same figures. A figure that falls may be lowered here; one that has to rise needs a reason.
 */
const EVENTS = 4_000;
const SESSIONS = 100;

let world: LedgerWorld;
let database: ReturnType<typeof openDatabase>;
let statements: string[] = [];
let bytesSent: () => number = () => 0;
const values: Buffer[] = [];
const reportOffsets: number[] = [];
for (const event of simulateEvents({ sessions: 10_000, seed: 7, liveSessions: SESSIONS })) {
  if (values.length === EVENTS) break;
  if (event.metric.type === 'session_usage_report') reportOffsets.push(values.length);
  values.push(encoded(event));
}
const messages = values.map(
  (value) =>
    (offset: number): Message =>
      messageAt(offset, value),
);

beforeAll(async () => {
  world = await newLedgerWorld();
  // One connection, so that the statistics are those of this connection alone.
  database = openDatabase(world.settings, 1);
  database.on('connect', (connection) => {
    const { query } = connection;
    connection.query = ((config: { name?: string; text: string }, ...more: unknown[]) => {
      statements.push(config.name ?? config.text);
      return (query as (...all: unknown[]) => unknown).call(connection, config, ...more);
    }) as typeof query;
    const { stream } = (
      connection as unknown as { connection: { stream: { bytesWritten: number } } }
    ).connection;
    bytesSent = () => stream.bytesWritten;
  });
});
afterAll(async () => {
  await database.end();
  await world.close();
});

/** Bytes of WAL that the connection wrote, without the full-page images after a checkpoint. */
async function walBytes(): Promise<number> {
  await database.query({ text: 'SELECT pg_stat_force_next_flush()' });
  const { rows } = await database.query({
    text: `SELECT (wal_bytes - wal_fpi * 8192)::int AS bytes
      FROM pg_stat_get_backend_wal(pg_backend_pid())`,
  });
  return rows[0].bytes;
}

async function measured(partition: BookedPartition, ledger: Ledger, some: typeof messages) {
  await database.query({ text: 'SELECT 1' });
  const walBefore = await walBytes();
  const sentBefore = bytesSent();
  statements = [];
  const result = await partition.book(ledger, some);
  const roundTrips = statements.map((text) => text.replace(/^BEGIN.*/, 'BEGIN'));
  if (result.status !== 'applied') throw new Error('the batch was not applied');
  const { counts } = result;
  const sent = bytesSent() - sentBefore;
  return {
    roundTrips,
    counts,
    sent,
    wal: (await walBytes()) - walBefore,
  };
}

const NAMED = ['BEGIN', 'add_sources', 'read_sources', 'COMMIT'];
const LOOKED_UP = ['BEGIN', 'fence_batch', 'load_sessions'];
const WRITTEN = ['touch_sessions', 'insert_pages', 'add_usage'];
const ENDED = ['keep_books', 'COMMIT'];
/** One statement more, where calls end. */
const WITH_REPORTS = [...WRITTEN, 'upsert_reports', ...ENDED];
const BOOKED = [...WRITTEN, ...ENDED];

test('what batches cost: round trips, bytes on the wire, bytes of WAL', async () => {
  const ledger = new Ledger(database, { cacheBytes: 10_000_000 });
  const partition = await world.partition(0);
  const book = (some: typeof messages) => measured(partition, ledger, some);
  const half = EVENTS / 2;

  // The first batch of a worker also numbers its names.
  const first = await book(messages.slice(0, half));
  expect(first.roundTrips).toEqual([...NAMED, ...LOOKED_UP, ...WITH_REPORTS]);

  const second = await book(messages.slice(half));
  const { applied } = second.counts;
  expect(applied).toBeGreaterThan(half / 2);
  expect(second.roundTrips).toEqual([...LOOKED_UP, ...WITH_REPORTS]);
  expect(second.sent / applied).toBeLessThan(240);
  expect(second.wal / applied).toBeLessThan(250);

  // Duplicates of cached sessions write the books and reports; one statement compares the cache.
  const again = await book(messages.slice(half));
  expect(again.counts).toMatchObject({ applied: 0, duplicate: applied });
  expect(again.roundTrips).toEqual([
    'BEGIN',
    'fence_batch',
    'changed_sessions',
    'upsert_reports',
    ...ENDED,
  ]);
  const reports = reportOffsets.filter((offset) => offset >= half).length;
  expect(again.sent).toBeLessThan(6_400 + 600 * reports);
  // A statement that reads a heap page may also be the one that prunes it.
  // Of two reports of one moment, the one at the greater offset stands: it is written again.
  expect(again.wal).toBeLessThan(2_000 + 800 * reports);

  // A batch of one event: the same code, and one row of each table.
  const one = await book([(offset) => messageAt(offset, single('request-1'))]);
  expect(one.roundTrips).toEqual([...NAMED, ...LOOKED_UP, ...BOOKED]);
  const another = await book([(offset) => messageAt(offset, single('request-2'))]);
  expect(another.roundTrips).toEqual(['BEGIN', 'fence_batch', ...BOOKED]);
  // Its names, which are compared with the table, included. Positions and books cross as arrays, since a
  // transaction may have those of several partitions: about 130 bytes. BEGIN has the settings: about 500.
  expect(another.sent).toBeLessThan(2_700);
  expect(another.wal).toBeLessThan(1_500);
});

function single(request_id: string): Buffer {
  return encoded({ session_id: 'of one event', metric: llm({ request_id }) });
}
