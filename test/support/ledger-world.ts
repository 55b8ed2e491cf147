import { loadSettings, type Settings } from '../../src/config/settings.ts';
import { Ledger } from '../../src/ledger/ledger.ts';
import { begin } from '../../src/ledger/positions.ts';
import { migrateDatabase } from '../../src/migrate/migrate.ts';
import { type Database, openDatabase } from '../../src/postgres/database.ts';
import type { Batch, Message } from '../../src/records/message.ts';
import { decodedAgain } from './messages.ts';
import { freshDatabase } from './stack.ts';

/** A migrated database, and partitions of a topic that exists nowhere else. */
export interface LedgerWorld {
  readonly settings: Settings;
  readonly database: Database;
  /** A ledger without memory of what others wrote. */
  ledger(): Ledger;
  /** A partition in which messages are booked one batch after the other. */
  partition(partition: number, groupId?: string, topic?: string): Promise<BookedPartition>;
  /** Empties every table. */
  clear(): Promise<void>;
  close(): Promise<void>;
}

export interface BookedPartition {
  readonly groupId: string;
  readonly partition: number;
  readonly position: number;
  /** The batch of the values at the next offsets; `make` builds the message of an offset. */
  batch(make: readonly ((offset: number) => Message)[]): Batch;
  /** Notes that a batch was booked. */
  moveTo(position: number): void;
  /** Books the values at the next offsets; `make` builds the message of an offset. */
  book(ledger: Ledger, make: readonly ((offset: number) => Message)[]): ReturnType<Ledger['apply']>;
}

const TOPIC = 'ledger-world';
const TABLES = [
  'session',
  'ledger_page',
  'uncompacted_session',
  'session_model_usage',
  'session_report',
  'usage_source',
  'topic_generation',
  'consumer_position',
  'consumed_range',
  'dead_letter',
  'event_conflict',
  'session_change',
  'session_account_change',
  'billing_day',
  'session_day',
  'model_price',
  'materialized_price_period',
  'invoice_export',
  'invoice_line',
];

/**
 * @param serverUrl another server than that of all tests, or a pooler
 * @param defaults what the database sets for every session, each as in `ALTER DATABASE … SET`
 */
export async function newLedgerWorld(
  serverUrl?: string,
  defaults: readonly string[] = [],
): Promise<LedgerWorld> {
  const { url, drop } = await freshDatabase(serverUrl, defaults);
  const settings = loadSettings({ DATABASE_URL: url }, ['database']);
  await migrateDatabase(settings);
  const database = openDatabase(settings, 4);
  return {
    settings,
    database,
    ledger: () => new Ledger(database, { cacheBytes: 1_000_000 }),
    async partition(partition, groupId = 'group', topic = TOPIC) {
      const where = { groupId, topic, partition };
      const { nextOffset, pass, generation } = await begin(database, where, 0);
      let position = nextOffset;
      const booked: BookedPartition = {
        groupId,
        partition,
        get position() {
          return position;
        },
        batch(make) {
          const fromOffset = position;
          const messages = make.map((build, i) => build(fromOffset + i));
          const until = fromOffset + messages.length;
          const offsets = { pass, generation, fromOffset, nextOffset: until };
          return { ...where, ...offsets, messages, metricOf: decodedAgain };
        },
        moveTo(offset) {
          position = offset;
        },
        async book(ledger, make) {
          const batch = booked.batch(make);
          const result = await ledger.apply(batch);
          if (result.status === 'applied') position = batch.nextOffset;
          return result;
        },
      };
      return booked;
    },
    async clear() {
      await database.query(`TRUNCATE ${TABLES.join(', ')}`);
    },
    async close() {
      await database.end();
      await drop();
    },
  };
}
