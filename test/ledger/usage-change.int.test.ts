import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { Random } from '../../src/simulate/random.ts';
import { llm, vad } from '../identify/samples.ts';
import { type LedgerWorld, newLedgerWorld } from '../support/ledger-world.ts';
import { encoded, messageAt } from '../support/messages.ts';
import { until } from '../support/until.ts';

const CONNECTIONS = 8;

let world: LedgerWorld;
let clients: pg.Client[];
let reader: pg.Client;
beforeAll(async () => {
  world = await newLedgerWorld();
  const connect = async () => {
    const client = new pg.Client({ connectionString: world.settings.DATABASE_URL });
    await client.connect();
    await client.query('SET search_path = usage_ledger');
    return client;
  };
  clients = await Promise.all(Array.from({ length: CONNECTIONS }, connect));
  reader = await connect();
});
afterEach(async () => {
  await world.clear();
});
afterAll(async () => {
  await Promise.all([reader, ...clients].map((client) => client.end()));
  await world.close();
});

let pages = 0;
/** Inserts a page as every writer does: without a word about its change id. */
async function insertPage(client: pg.Client, sessionId: string, more: object = {}): Promise<void> {
  pages += 1;
  const row = {
    session_id: sessionId,
    period: '2026-11-01',
    revision: pages,
    page: 0,
    kafka_topic: 'calls',
    kafka_partition: 0,
    base_offset: pages,
    entry_count: 1,
    identities: '\\x00',
    source_id: '{1}',
    request_id: '{a}',
    event_us: '{0}',
    offset_delta: '{0}',
    ...more,
  };
  const names = Object.keys(row);
  await client.query(
    `INSERT INTO ledger_page (${names.join()}) VALUES (${names.map((_, i) => `$${i + 1}`).join()})`,
    Object.values(row),
  );
}

const FEED = `SELECT change_id AS id, session_id FROM usage_change
  WHERE change_id > $1 ORDER BY change_id LIMIT 3`;
/** What a cursor on a sequence alone would be: the same numbers, without their transactions. */
const SEQUENCE_ALONE = `SELECT * FROM (SELECT change_id & 1048575 AS id, session_id FROM ledger_page) AS page
  WHERE id > $1 ORDER BY id LIMIT 3`;

/** The ids, shown as soon as their transactions commit. */
const WITHOUT_WAITING = FEED.replace('usage_change', 'ledger_page');

/** The transactions of other tests, which run on the same server, delay the feed: those of now are over. */
async function othersEnded(): Promise<void> {
  const others = async () => {
    const { rows } = await reader.query<{ running: string }>(
      `SELECT pid || '/' || backend_xid AS running FROM pg_stat_activity
        WHERE backend_xid IS NOT NULL
          AND (datname <> current_database() OR backend_type <> 'client backend')`,
    );
    return rows.map(({ running }) => running);
  };
  const before = new Set(await others());
  if (before.size === 0) return;
  await until('others have ended', async () => !(await others()).some((one) => before.has(one)));
}

/** A program that polls with a cursor, a few changes at a time. */
class Poller {
  readonly seen: string[] = [];
  cursor = '-1';
  readonly #sql: string;

  constructor(sql: string) {
    this.#sql = sql;
  }

  /** @returns how many changes there were */
  async poll(): Promise<number> {
    const { rows } = await reader.query(this.#sql, [this.cursor]);
    for (const { id, session_id } of rows) {
      expect(BigInt(id)).toBeGreaterThan(BigInt(this.cursor));
      this.cursor = id;
      this.seen.push(session_id);
    }
    return rows.length;
  }

  /** Polls until nothing is left that other databases of the server do not delay. */
  async pollToTheEnd(): Promise<void> {
    await othersEnded();
    while ((await this.poll()) > 0);
  }
}

describe('a reader with a cursor', () => {
  test('sees the changes of a transaction that began first and commits last', async () => {
    const [first, last] = clients as [pg.Client, pg.Client];
    const feed = new Poller(FEED);
    const naive = new Poller(SEQUENCE_ALONE);
    const hasty = new Poller(WITHOUT_WAITING);
    const readAll = async () => {
      for (const poller of [feed, naive, hasty]) await poller.pollToTheEnd();
    };
    await first.query('BEGIN');
    await insertPage(first, 'began first');
    await insertPage(last, 'committed first');
    await readAll();
    await first.query('COMMIT');
    await readAll();
    expect(feed.seen).toEqual(['began first', 'committed first']);
    expect(naive.seen).toEqual(['committed first']);
    expect(hasty.seen).toEqual(['committed first']);
  });

  test('is delayed by another transaction that stays open, and gets everything when it ends', async () => {
    const [open, other] = clients as [pg.Client, pg.Client];
    const feed = new Poller(FEED);
    await open.query('BEGIN; CREATE TEMP TABLE mine (a int)');
    for (let i = 0; i < 7; i += 1) await insertPage(other, `call ${i}`);
    await feed.pollToTheEnd();
    expect(feed.seen).toEqual([]);
    await open.query('ROLLBACK');
    await feed.pollToTheEnd();
    expect(feed.seen).toHaveLength(7);
  });

  test.each([1, 2, 3])(
    'misses nothing, however commits are interleaved (seed %i)',
    async (seed) => {
      const numbers = new Random(seed, 0);
      const random = () => numbers.unit();
      const feed = new Poller(FEED);
      const naive = new Poller(SEQUENCE_ALONE);
      const written: string[][] = clients.map(() => []);
      const committed: string[] = [];
      for (let step = 0; step < 400; step += 1) {
        const i = Math.floor(random() * CONNECTIONS);
        const client = clients[i] as pg.Client;
        const own = written[i] as string[];
        const choice = random();
        if (own.length === 0) await client.query('BEGIN');
        if (own.length === 0 || choice < 0.3) {
          const name = `call ${step}`;
          await insertPage(client, name);
          own.push(name);
        } else {
          const commits = choice < 0.9;
          await client.query(commits ? 'COMMIT' : 'ROLLBACK');
          if (commits) committed.push(...own);
          own.length = 0;
        }
        if (random() < 0.5) await feed.poll();
        if (random() < 0.5) await naive.poll();
      }
      for (const [i, client] of clients.entries()) {
        await client.query('COMMIT');
        committed.push(...(written[i] as string[]));
      }
      await feed.pollToTheEnd();
      await naive.pollToTheEnd();
      expect(feed.seen.toSorted()).toEqual(committed.toSorted());
      expect(naive.seen.length).toBeLessThan(committed.length);
    },
  );

  test('misses nothing while many connections write at the same time', async () => {
    const feed = new Poller(FEED);
    const committed: string[] = [];
    const write = async (client: pg.Client, writer: number) => {
      for (let i = 0; i < 60; i += 1) {
        const names = Array.from({ length: 1 + (i % 3) }, (_, n) => `${writer} ${i} ${n}`);
        await client.query('BEGIN');
        for (const name of names) await insertPage(client, name);
        await client.query('COMMIT');
        committed.push(...names);
      }
    };
    let isWriting = true;
    const writing = Promise.all(clients.map(write)).finally(() => {
      isWriting = false;
    });
    while (isWriting) await feed.poll();
    await writing;
    await feed.pollToTheEnd();
    expect(feed.seen.toSorted()).toEqual(committed.toSorted());
  });

  test('sees a session whose pages are merged, before it or after it', async () => {
    const [writer, merger] = clients as [pg.Client, pg.Client];
    const before = new Poller(FEED);
    const after = new Poller(FEED);
    await insertPage(writer, 'call');
    await before.pollToTheEnd();
    await insertPage(writer, 'call');
    await merger.query('BEGIN');
    const { rows } = await merger.query(
      'DELETE FROM ledger_page RETURNING change_id::text AS change_id',
    );
    const [newest] = rows
      .map(({ change_id }) => BigInt(change_id))
      .sort((a, b) => (a < b ? 1 : -1));
    await insertPage(merger, 'call', { change_id: newest });
    await before.poll();
    await merger.query('COMMIT');
    await before.pollToTheEnd();
    await after.pollToTheEnd();
    expect(before.seen).toEqual(['call', 'call']);
    expect(after.seen).toEqual(['call']);
  });
});

test('polling reads indexes in the order of the ids, and no more rows than it returns', async () => {
  await reader.query('BEGIN; SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off');
  const { rows } = await reader.query(
    `EXPLAIN SELECT * FROM usage_change WHERE change_id > 5 ORDER BY change_id LIMIT 10`,
  );
  await reader.query('ROLLBACK');
  const plan = rows.map((row) => row['QUERY PLAN']).join('\n');
  expect(plan).toContain('Merge Append');
  expect(plan).not.toMatch(/Sort {2}\(|Seq Scan on (ledger_page|session)/);
});

describe('after a restore into another cluster', () => {
  const FOREIGN = 1_000_000_000_000n << 20n;

  test('ids continue above those that the ledger came with, and all are shown', async () => {
    const [client] = clients as [pg.Client];
    await insertPage(client, 'from the other cluster', { change_id: FOREIGN + 5n });
    const feed = new Poller(FEED);
    await feed.pollToTheEnd();
    expect(feed.seen).toEqual(['from the other cluster']);

    await client.query('SELECT prepare_usage_change()');
    await insertPage(client, 'after the restore');
    await feed.pollToTheEnd();
    expect(feed.seen).toEqual(['from the other cluster', 'after the restore']);
    expect(BigInt(feed.cursor)).toBeGreaterThan(FOREIGN);

    // A transaction that is open is waited for as before.
    const [, open] = clients as [pg.Client, pg.Client];
    await open.query('BEGIN');
    await insertPage(open, 'open');
    await insertPage(client, 'not yet shown');
    await feed.pollToTheEnd();
    expect(feed.seen).toHaveLength(2);
    await open.query('COMMIT');
    await feed.pollToTheEnd();
    expect(feed.seen.slice(2)).toEqual(['open', 'not yet shown']);
  });

  test('it is done once', async () => {
    const [client] = clients as [pg.Client];
    const base = async () =>
      (
        await client.query(
          "SELECT seqmin FROM pg_sequence WHERE seqrelid = 'usage_change_number'::regclass",
        )
      ).rows[0].seqmin;
    const before = await base();
    await insertPage(client, 'call', { change_id: BigInt(before) * 2n + FOREIGN });
    await client.query('SELECT prepare_usage_change()');
    const after = await base();
    await client.query('SELECT prepare_usage_change()');
    expect(BigInt(after)).toBeGreaterThan(BigInt(before));
    expect(await base()).toBe(after);
  });
});

describe('a batch announces a session', () => {
  const accountOf = (account_id: string | null, metric = llm({ request_id: 'one' })) =>
    encoded({ session_id: 'call', account_id, metric });
  const vadOf = (account_id: string | null) => accountOf(account_id, vad() as never);
  const changes = async () => {
    await othersEnded();
    const { rows } = await reader.query('SELECT session_id FROM usage_change');
    return rows.length;
  };

  test('whose usage changes, and not for a duplicate', async () => {
    const partition = await world.partition(0);
    const ledger = world.ledger();
    await partition.book(ledger, [(offset) => messageAt(offset, accountOf('a'))]);
    expect(await changes()).toBe(1);
    await partition.book(ledger, [(offset) => messageAt(offset, accountOf('a'))]);
    expect(await changes()).toBe(1);
  });

  test('whose account is first named by a message that is not billed', async () => {
    const partition = await world.partition(0);
    const ledger = world.ledger();
    await partition.book(ledger, [(offset) => messageAt(offset, accountOf(null))]);
    await partition.book(ledger, [(offset) => messageAt(offset, vadOf(null))]);
    expect(await changes()).toBe(1);
    await partition.book(ledger, [(offset) => messageAt(offset, vadOf('a'))]);
    expect(await changes()).toBe(2);
    await partition.book(ledger, [(offset) => messageAt(offset, vadOf('b'))]);
    expect(await changes()).toBe(2);
  });
});
