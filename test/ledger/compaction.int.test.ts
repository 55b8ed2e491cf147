import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { acceptConflict, dismissConflict } from '../../src/ledger/accept-conflict.ts';
import { billBoth } from '../../src/ledger/bill-both.ts';
import { type Compacted, compactDue } from '../../src/ledger/compact-sessions.ts';
import { Ledger } from '../../src/ledger/ledger.ts';
import { begin } from '../../src/ledger/positions.ts';
import type { LLMMetrics } from '../../src/livekit/types.ts';
import { verify } from '../../src/verify/verify.ts';
import { llm } from '../identify/samples.ts';
import { type BookedPartition, type LedgerWorld, newLedgerWorld } from '../support/ledger-world.ts';
import { decodedAgain, encoded, messageAt } from '../support/messages.ts';
import { breaks, calls } from '../support/world.ts';

let world: LedgerWorld;
let partition: BookedPartition;
beforeAll(async () => {
  world = await newLedgerWorld();
});
beforeEach(async () => {
  await world.clear();
  partition = await world.partition(0);
});
afterAll(async () => {
  await world.close();
});

const at =
  (request_id: string, fields: Partial<LLMMetrics> = {}, session_id = 'call') =>
  (offset: number) =>
    messageAt(offset, encoded({ session_id, metric: llm({ request_id, ...fields }) }));

type Done = Omit<Compacted, 'ms' | 'seen'>;
const NOTHING: Done = { sessions: 0, pagesBefore: 0, pagesAfter: 0 };

/** Compacts every session that was not written to for so long. */
async function compact(
  quietS = 0,
  onStep: Parameters<typeof compactDue>[1]['onStep'] = () => {},
): Promise<Done> {
  const total = { sessions: 0, pagesBefore: 0, pagesAfter: 0 };
  await compactDue(world.database, {
    quietS,
    maxPagesPerS: Number.POSITIVE_INFINITY,
    signal: new AbortController().signal,
    onStep,
    onCompacted({ sessions, pagesBefore, pagesAfter }) {
      total.sessions += sessions;
      total.pagesBefore += pagesBefore;
      total.pagesAfter += pagesAfter;
    },
  });
  return total;
}

const rows = async (sql: string) => (await world.database.query(sql)).rows;
/** Every column of every entry, to the last digit and microsecond. */
async function entries(): Promise<string[]> {
  const found = await rows(`SELECT to_jsonb(entry)::text AS entry FROM ledger_entry AS entry
    UNION ALL SELECT to_jsonb(event)::text FROM usage_event AS event ORDER BY 1`);
  return found.map(({ entry }) => entry);
}
async function pageCounts(): Promise<number[]> {
  const found = await rows(`SELECT entry_count FROM ledger_page
    ORDER BY session_id, kafka_topic, kafka_partition, is_correction, revision, page`);
  return found.map(({ entry_count }) => entry_count);
}
const queued = async () => (await rows('SELECT session_id FROM uncompacted_session')).length;

/** Books each as a batch of its own, and so as a page. */
async function bookEach(
  ledger: Ledger,
  messages: readonly ReturnType<typeof at>[],
  into = partition,
): Promise<void> {
  for (const message of messages) await into.book(ledger, [message]);
}
/** An id that is strong: of a short number nothing follows. */
const idOf = (n: number) => `chatcmpl-${createHash('md5').update(String(n)).digest('hex')}`;
const requests = (from: number, until: number) =>
  Array.from({ length: until - from }, (_, i) => at(idOf(from + i)));

describe('the pages of a quiet session', () => {
  test('become one, with the same entries', async () => {
    await bookEach(world.ledger(), requests(0, 12));
    const before = await entries();

    expect(await compact()).toEqual({ sessions: 1, pagesBefore: 12, pagesAfter: 1 });

    expect(await pageCounts()).toEqual([12]);
    expect(await entries()).toEqual(before);
    expect(await breaks(world.database)).toEqual([]);
    expect(await queued()).toBe(0);
  });

  test('are as few as fit, within 64 entries and half of a disk page', async () => {
    const ledger = world.ledger();
    for (let i = 0; i < 150; i += 3) {
      await partition.book(ledger, requests(i, i + 3));
    }
    await compact();
    const sizes = await rows(
      'SELECT entry_count AS n, pg_column_size(page.*) AS bytes FROM ledger_page AS page',
    );
    expect(sizes.reduce((sum, { n }) => sum + n, 0)).toBe(150);
    for (const { n, bytes } of sizes) {
      expect(n).toBeLessThanOrEqual(64);
      expect(bytes).toBeLessThanOrEqual(4_080);
    }
    expect(sizes.length).toBeLessThanOrEqual(6);
  });

  test('are not written again unless it has grown, and a full one not even then', async () => {
    const ledger = world.ledger();
    await bookEach(ledger, requests(0, 50));
    await compact();
    const versions = () => rows('SELECT revision, xmin::text FROM ledger_page ORDER BY revision');
    const [full, rest] = await versions();

    // As if it had been written to.
    await world.database.query(`INSERT INTO uncompacted_session (session_id) VALUES ('call')`);
    expect(await compact()).toEqual(NOTHING);
    expect(await versions()).toEqual([full, rest]);

    await bookEach(ledger, requests(50, 51));
    expect(await compact()).toEqual({ sessions: 1, pagesBefore: 2, pagesAfter: 1 });
    const after = await versions();
    expect(after).toHaveLength(2);
    expect(after[0]).toEqual(full);
  });

  test('stay as they are while it is written to, and it is looked at again later', async () => {
    await bookEach(world.ledger(), requests(0, 3));
    await world.database.query(
      `UPDATE uncompacted_session SET written_at = written_at - interval '1 hour'`,
    );

    expect(await compact(60)).toEqual(NOTHING);

    expect(await pageCounts()).toEqual([1, 1, 1]);
    expect(
      await rows(
        `SELECT written_at = (SELECT max(updated_at) FROM session_model_usage) AS last
          FROM uncompacted_session`,
      ),
    ).toEqual([{ last: true }]);
  });

  test('of several topics, partitions and corrections are merged apart', async () => {
    const ledger = world.ledger();
    const others = [
      await world.partition(1),
      await world.partition(0, 'group', 'another'),
      partition,
    ];
    // In turns, so that no two pages in a row are of one partition.
    for (let i = 0; i < 5; i += 1) {
      for (const [n, other] of others.entries()) {
        await bookEach(ledger, [at(`${n}/${i}`)], other);
        await bookEach(ledger, [at(`${n}/${i}`, { prompt_tokens: 7_000 })], other);
      }
    }
    for (const offset of [1, 3]) {
      await acceptConflict(world.database, keyOf(offset));
    }
    const before = await entries();

    expect(await compact()).toMatchObject({ pagesBefore: 17, pagesAfter: 4 });

    expect(await pageCounts()).toEqual([5, 5, 2, 5]);
    expect(await entries()).toEqual(before);
    expect(await breaks(world.database)).toEqual([]);
  });

  test('whose offsets are further apart than 32 bits are not merged', async () => {
    const ledger = world.ledger();
    await bookEach(ledger, requests(0, 2));
    const far = 5_000_000_000;
    await ledger.apply({
      ...{ groupId: 'group', topic: 'ledger-world', partition: 0, pass: 0, generation: 0 },
      fromOffset: 2,
      nextOffset: far + 1,
      messages: [at('far')(far)],
      metricOf: decodedAgain,
    });

    expect(await compact()).toMatchObject({ pagesBefore: 2, pagesAfter: 1 });

    expect(await pageCounts()).toEqual([2, 1]);
    expect(await breaks(world.database)).toEqual([]);
  });

  test('that were recorded further apart than 32 bits of microseconds are not merged', async () => {
    const ledger = world.ledger();
    await bookEach(ledger, requests(0, 2));
    await world.database.query(
      `UPDATE ledger_page SET recorded_at = recorded_at - interval '3 hours'`,
    );
    await bookEach(ledger, requests(2, 4));
    const before = await entries();

    expect(await compact()).toMatchObject({ pagesBefore: 4, pagesAfter: 2 });

    expect(await entries()).toEqual(before);
  });

  test('that are not whole are left for verify to find', async () => {
    await bookEach(world.ledger(), requests(0, 4));
    await world.database.query(
      'UPDATE ledger_page SET event_us = event_us[2:] WHERE base_offset = 1',
    );

    expect(await compact()).toMatchObject({ pagesBefore: 3, pagesAfter: 1 });

    const found = (await breaks(world.database)).map(({ check }) => check);
    expect(found).toContain('pages_are_whole');
  });

  test('of more than a transaction takes are merged by the next ones', async () => {
    const ledger = world.ledger();
    await bookEach(ledger, requests(0, 1));
    await world.database.query(
      `INSERT INTO ledger_page (session_id, period, revision, page, kafka_topic, kafka_partition,
          base_offset, entry_count, identities, source_id, request_id, event_us, offset_delta)
        SELECT session_id, period, revision, n, kafka_topic, kafka_partition, n, 1,
          decode(md5(n::text), 'hex'), source_id, request_id, event_us, offset_delta
        FROM ledger_page CROSS JOIN generate_series(1, 1199) AS n`,
    );
    const before = await entries();
    let transactions = 0;

    const { pagesAfter } = await compact(0, (step) => {
      if (step === 'pages_merged') transactions += 1;
    });

    expect(transactions).toBe(3);
    expect(pagesAfter).toBeLessThan(50);
    expect(await entries()).toEqual(before);
    expect(await queued()).toBe(0);
  });

  test('are not merged by a build that does not know all of their columns', async () => {
    await bookEach(world.ledger(), requests(0, 2));
    await world.database.query('ALTER TABLE ledger_page ADD COLUMN of_tomorrow integer');
    try {
      await expect(compact()).rejects.toThrow(/does not know the columns/);
      expect(await pageCounts()).toEqual([1, 1]);
    } finally {
      await world.database.query('ALTER TABLE ledger_page DROP COLUMN of_tomorrow');
    }
  });
});

const keyOf = (offset: number) => ({
  ...{ sessionId: 'call', topic: 'ledger-world', partition: 0, generation: 0, offset },
});

describe('after a compaction', () => {
  test.each(['that has the session cached', 'that has cached nothing'])(
    'a worker %s distinguishes a late event from a duplicate',
    async (which) => {
      const ledger = world.ledger();
      await bookEach(ledger, requests(0, 10));
      await compact();

      const other = which.includes('nothing') ? world.ledger() : ledger;
      const result = await partition.book(other, [...requests(8, 12), ...requests(0, 2)]);

      expect(result).toMatchObject({ counts: { applied: 2, duplicate: 4 } });
      expect(await breaks(world.database)).toEqual([]);
    },
  );

  test('a replay applies nothing, also when the pages were booked in another order', async () => {
    const all = requests(0, 6);
    const where = { groupId: 'later', topic: 'ledger-world', partition: 0 };
    await begin(world.database, where, 3);
    await bookEach(world.ledger(), all.slice(3), await world.partition(0, 'later'));
    await bookEach(world.ledger(), all);
    await compact();
    expect(await pageCounts()).toEqual([6]);
    // load_sessions takes the last entry of a page for the one with the highest offset.
    expect(
      await rows(`SELECT base_offset::int AS first, offset_delta[entry_count] AS last
        FROM ledger_page`),
    ).toEqual([{ first: 0, last: 5 }]);

    const result = await (await world.partition(0, 'other')).book(world.ledger(), all);

    expect(result).toMatchObject({ counts: { applied: 0, duplicate: 6 } });
    expect(await breaks(world.database)).toEqual([]);
  });

  test('conflicts are accepted, dismissed and billed as well, as before it', async () => {
    const ledger = world.ledger();
    await bookEach(ledger, requests(0, 3));
    await compact();
    const changed = [0, 1, 2].map((i) => at(idOf(i), { prompt_tokens: 7_000 + i }));
    expect(await partition.book(ledger, changed)).toMatchObject({ counts: { conflict: 3 } });

    await acceptConflict(world.database, keyOf(3));
    await billBoth(world.database, keyOf(4));
    await dismissConflict(world.database, keyOf(5));
    const before = await entries();
    expect(await compact()).toMatchObject({ pagesBefore: 2, pagesAfter: 1 });

    expect(await entries()).toEqual(before);
    expect(await pageCounts()).toEqual([4, 1]);
    expect(await rows('SELECT count(*)::int AS n FROM usage_event WHERE is_correction')).toEqual([
      { n: 1 },
    ]);
    const again = await partition.book(world.ledger(), [...changed, ...requests(0, 3)]);
    expect(again).toMatchObject({ counts: { applied: 0 } });
    expect(await breaks(world.database)).toEqual([]);
  });

  test('detail that is removed is still noticed', async () => {
    await bookEach(world.ledger(), requests(0, 40));
    await compact();
    await world.database.query('DELETE FROM ledger_page WHERE base_offset = 0');

    const result = await partition.book(world.ledger(), requests(40, 41));

    expect(result).toMatchObject({ counts: { applied: 0, dead_letter: 1 } });
  });
});

describe('a compaction', () => {
  test.each(['fails', 'loses its connection'])(
    'whose worker %s before the commit leaves the pages as they were',
    async (what) => {
      await bookEach(world.ledger(), requests(0, 5));
      const before = await entries();
      const dying = compact(0, async (step) => {
        if (step !== 'pages_merged') return;
        if (what === 'fails') throw new Error('killed');
        await rows(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
          WHERE datname = current_database() AND state = 'idle in transaction'
            AND query LIKE '%compact_sessions%'`);
      });

      await expect(dying).rejects.toThrow();

      expect(await pageCounts()).toEqual([1, 1, 1, 1, 1]);
      expect(await entries()).toEqual(before);
      expect(await compact()).toMatchObject({ pagesBefore: 5, pagesAfter: 1 });
    },
  );

  test('does not wait for a batch of the session, which it leaves for later', async () => {
    await bookEach(world.ledger(), requests(0, 5));
    let during: Done | undefined;
    const ledger = new Ledger(world.database, {
      cacheBytes: 1_000_000,
      onStep: async (step) => {
        if (step === 'sessions_locked') during = await compact();
      },
    });

    const result = await partition.book(ledger, requests(5, 7));

    expect(result).toMatchObject({ counts: { applied: 2 } });
    expect(during).toEqual(NOTHING);
    expect(await compact()).toMatchObject({ pagesBefore: 6, pagesAfter: 1 });
    expect(await breaks(world.database)).toEqual([]);
  });

  test.each(['cached', 'not cached'])(
    'is waited for by a batch of the session, %s, which then finds every duplicate',
    async (which) => {
      const ledger = world.ledger();
      await bookEach(ledger, requests(0, 5));
      const other = which === 'cached' ? ledger : world.ledger();
      let batch: ReturnType<BookedPartition['book']> | undefined;
      await compact(0, async (step) => {
        if (step !== 'pages_merged' || batch !== undefined) return;
        batch = partition.book(other, [...requests(3, 5), ...requests(5, 7)]);
        await waitsForLock();
      });

      expect(await batch).toMatchObject({ counts: { applied: 2, duplicate: 2 } });
      expect(await pageCounts()).toEqual([5, 2]);
      expect(await queued()).toBe(1);
      expect(await breaks(world.database)).toEqual([]);
    },
  );

  test('is not waited for by a batch of duplicates alone', async () => {
    await bookEach(world.ledger(), requests(0, 5));
    let result: unknown;
    await compact(0, async (step) => {
      if (step === 'pages_merged') result = await partition.book(world.ledger(), requests(0, 5));
    });
    expect(result).toMatchObject({ counts: { applied: 0, duplicate: 5 } });
    expect(await breaks(world.database)).toEqual([]);
  });

  test('by two at once merges every page once', async () => {
    const ledger = world.ledger();
    const sessions = Array.from({ length: 30 }, (_, i) => `call-${i}`);
    for (let i = 0; i < 6; i += 1) {
      await partition.book(
        ledger,
        sessions.map((session) => at(`request-${i}`, {}, session)),
      );
    }
    const before = await entries();

    const [left, right] = await Promise.all([compact(), compact()]);

    const rest = await compact();
    expect(left.pagesBefore + right.pagesBefore + rest.pagesBefore).toBe(180);
    expect(left.pagesAfter + right.pagesAfter + rest.pagesAfter).toBe(30);
    expect(await entries()).toEqual(before);
  });

  test('leaves the books balanced for a check that began before it, and during it', async () => {
    await bookEach(world.ledger(), requests(0, 20));
    const found: unknown[] = [];
    let isFirst = true;
    await verify(world.database, {}, () => {
      if (isFirst) found.push(compact());
      isFirst = false;
    }).then(({ breaks }) => found.push(...breaks));
    expect(await Promise.all(found)).toEqual([expect.objectContaining({ pagesAfter: 1 })]);
    expect(await breaks(world.database)).toEqual([]);
  });

  test('leaves the session in the scope of a check of each time at which it was written to', async () => {
    await bookEach(world.ledger(), requests(0, 1));
    await world.database.query(
      `UPDATE ledger_page SET recorded_at = recorded_at - interval '20 minutes'`,
    );
    await bookEach(world.ledger(), requests(1, 3));
    await compact();
    await world.database.query('UPDATE session_model_usage SET input_tokens = 1');

    const found = async (sinceMinutes: number, untilMinutes: number) => {
      const [since, until] = [sinceMinutes, untilMinutes].map(
        (minutes) => new Date(Date.now() - minutes * 60_000),
      );
      return (await verify(world.database, { since, until })).breaks.length;
    };
    expect(await found(25, 15)).toBe(1);
    expect(await found(40, 30)).toBe(0);
  });

  test('forgets a session that is gone', async () => {
    await world.database.query(`INSERT INTO uncompacted_session (session_id) VALUES ('gone')`);
    expect(await compact()).toEqual(NOTHING);
    expect(await queued()).toBe(0);
  });
});

async function waitsForLock(): Promise<void> {
  for (;;) {
    const waiting = await rows(
      `SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%first_event_at%'
        AND datname = current_database()`,
    );
    if (waiting.length > 0) return;
  }
}

/** So few that the same sessions have many pages. */
const values = calls.events.slice(0, 150).map(encoded);
/** Books every event once more, at offsets that nobody has read. */
async function bookAll(ledger: Ledger): Promise<void> {
  const messages = values.map((value) => (offset: number) => messageAt(offset, value));
  await (await world.partition(9)).book(ledger, messages);
}
const billed = () =>
  rows(`SELECT session_id, usage_type, provider, model, event_count, input_tokens, output_tokens,
    session_duration::text, audio_duration::text FROM session_model_usage ORDER BY 1, 2, 3, 4`);
const step = fc.record({
  event: fc.nat({ max: values.length - 1 }),
  partition: fc.nat({ max: 3 }),
  endsBatch: fc.boolean(),
  restarts: fc.boolean(),
  compacts: fc.nat({ max: 9 }),
});

test('two workers apply every event once while others compact the same sessions all the time', async () => {
  await bookAll(world.ledger());
  const expected = await billed();
  await world.clear();
  const writing = Promise.all(
    ['left', 'right'].map(async (group, i) => {
      const ledger = world.ledger();
      const into = await world.partition(0, group);
      const messages = values.map((value) => (offset: number) => messageAt(offset, value));
      for (let from = 0; from < messages.length; from += 3 + i) {
        await into.book(ledger, messages.slice(from, from + 3 + i));
      }
    }),
  );
  let isWriting = true;
  let merges = 0;
  const compacting = [0, 1].map(async () => {
    while (isWriting) {
      merges += (await compact()).sessions;
    }
  });
  await writing;
  isWriting = false;
  await Promise.all(compacting);

  expect(merges).toBeGreaterThan(0);
  expect(await billed()).toEqual(expected);
  expect(await breaks(world.database)).toEqual([]);
});

test('any order of batches and compactions leaves the entries, and what is a duplicate, as they are', async () => {
  await bookAll(world.ledger());
  const expected = await billed();
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 90 }), async (steps) => {
      await world.clear();
      let ledger = world.ledger();
      const partitions = await Promise.all([
        ...[0, 1, 2].map((n) => world.partition(n)),
        world.partition(0, 'group', 'another'),
      ]);
      const waiting: Buffer[][] = [[], [], [], []];
      const flush = async (n: number) => {
        const batch = waiting[n]?.splice(0) ?? [];
        await partitions[n]?.book(
          ledger,
          batch.map((value) => (offset) => messageAt(offset, value)),
        );
      };
      const compactAndCompare = async () => {
        const before = await entries();
        await compact();
        expect(await entries()).toEqual(before);
        expect(await breaks(world.database)).toEqual([]);
      };
      for (const { event, partition, endsBatch, restarts, compacts } of steps) {
        waiting[partition]?.push(values[event] as Buffer);
        if (endsBatch) await flush(partition);
        // A restarted worker has cached nothing.
        if (restarts) ledger = world.ledger();
        if (compacts === 0) await compactAndCompare();
      }
      await Promise.all([0, 1, 2, 3].map(flush));
      await compactAndCompare();

      await bookAll(world.ledger());
      expect(await billed()).toEqual(expected);
      expect(await breaks(world.database)).toEqual([]);
    }),
    { numRuns: 25 },
  );
});
