import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createLogger } from '../../src/config/logger.ts';
import { Ledger } from '../../src/ledger/ledger.ts';
import type { DeadLetterRow } from '../../src/ledger/statements/dead-letters.ts';
import { DeadLetterOutbox } from '../../src/produce/dead-letter-outbox.ts';
import type { DeadLetterMessage } from '../../src/records/message.ts';
import { type LedgerWorld, newLedgerWorld } from '../support/ledger-world.ts';
import { messageAt } from '../support/messages.ts';
import { until } from '../support/until.ts';

let world: LedgerWorld;
beforeAll(async () => {
  world = await newLedgerWorld();
});
afterAll(async () => {
  await world.close();
});
beforeEach(async () => {
  await world.clear();
});

const logger = createLogger('fatal');
const idOf = ({ kafka_partition, kafka_offset }: DeadLetterRow) =>
  `${kafka_partition}/${kafka_offset}`;

/** Books dead letters as a worker with KAFKA_DEAD_LETTER_TOPIC does. */
async function bookDeadLetters(
  count: number,
  change: Partial<DeadLetterMessage> = {},
): Promise<void> {
  const ledger = new Ledger(world.database, { cacheBytes: 1_000_000, copiesDeadLetters: true });
  const partition = await world.partition(0);
  const deadLetters = Array.from(
    { length: count },
    () => (offset: number) =>
      ({ ...messageAt(offset, Buffer.alloc(2_000, 7)), ...change }) as DeadLetterMessage,
  );
  await partition.book(ledger, deadLetters);
}

function outboxTo(copy: (deadLetters: readonly DeadLetterRow[]) => Promise<[]>): DeadLetterOutbox {
  const topic = { name: 'copies', copy, close: async () => {} };
  return new DeadLetterOutbox({ database: world.database, topic, logger });
}

const left = async () => {
  const { rows } = await world.database.query(
    'SELECT count(*)::int AS n FROM dead_letter WHERE copy_due_at IS NOT NULL',
  );
  return rows[0]?.n as number;
};

describe('the outbox of dead letters', () => {
  test('shares the work between workers: each dead letter is copied once, those claimed by killed workers too', async () => {
    await bookDeadLetters(1_500);
    const copied: string[] = [];
    const workers = [1, 2, 3].map(() =>
      outboxTo(async (deadLetters) => {
        copied.push(...deadLetters.map(idOf));
        return [];
      }),
    );
    for (const worker of workers) worker.start();
    await until('all are copied', async () => (await left()) === 0);
    await Promise.all(workers.map((worker) => worker.stop(10_000)));

    expect(copied).toHaveLength(1_500);
    expect(new Set(copied).size).toBe(1_500);
  });

  test('retries while the topic does not answer, and records why on the row', async () => {
    await bookDeadLetters(3);
    let attempts = 0;
    const outbox = outboxTo(async () => {
      attempts += 1;
      if (attempts === 1) throw new Error('Not authorized to access topics');
      return [];
    });
    outbox.start();
    await until('the trouble is on the rows', async () => {
      const { rows } = await world.database.query(
        'SELECT DISTINCT copy_error FROM dead_letter WHERE copy_due_at IS NOT NULL',
      );
      return rows[0]?.copy_error === 'Not authorized to access topics';
    });
    await until('they are copied all the same', async () => (await left()) === 0);
    await outbox.stop(10_000);
    const { rows } = await world.database.query('SELECT DISTINCT copy_error FROM dead_letter');
    expect(rows).toEqual([{ copy_error: null }]);
    expect(attempts).toBe(2);
  });

  test('holds no dead letters in memory and no locks while it waits for the topic', async () => {
    await bookDeadLetters(2_000);
    let largest = 0;
    let copied = 0;
    const outbox = outboxTo(async (deadLetters) => {
      const bytes = deadLetters.reduce((sum, { value }) => sum + (value?.length ?? 0), 0);
      largest = Math.max(largest, bytes);
      const { rows } = await world.database.query(
        `SELECT count(*)::int AS n FROM pg_stat_activity
         WHERE datname = current_database() AND state LIKE 'idle in transaction%'`,
      );
      expect(rows).toEqual([{ n: 0 }]);
      copied += deadLetters.length;
      return [];
    });
    outbox.start();
    // The database is not asked: that is a transaction as well.
    await until('all are copied', () => copied === 2_000);
    await outbox.stop(10_000);
    expect(await left()).toBe(0);
    expect(largest).toBeLessThan(1_100_000);
  });

  test('stops although the topic never answers', async () => {
    await bookDeadLetters(1);
    let isAsked = false;
    const outbox = outboxTo(() => {
      isAsked = true;
      return new Promise(() => {});
    });
    outbox.start();
    await until('the topic is asked', () => isAsked);
    const begun = performance.now();
    await outbox.stop(200);
    expect(performance.now() - begun).toBeLessThan(5_000);
    expect(await left()).toBe(1);
  });

  test('copies what is due once more when it is stopped', async () => {
    const copied: string[] = [];
    const outbox = outboxTo(async (deadLetters) => {
      copied.push(...deadLetters.map(idOf));
      return [];
    });
    outbox.start();
    await bookDeadLetters(250);
    await outbox.stop(10_000);
    expect(copied).toHaveLength(250);
    expect(await left()).toBe(0);
  });
});

test('without KAFKA_DEAD_LETTER_TOPIC no copy is due', async () => {
  const partition = await world.partition(0);
  await partition.book(world.ledger(), [(offset) => messageAt(offset, Buffer.from('x'))]);
  expect(await left()).toBe(0);
});

// A detail quotes what the sender wrote: a megabyte of it was stored, and sent as a header.
test('the detail of a dead letter has a bounded length', async () => {
  await bookDeadLetters(1, { detail: `the metric is ${'x'.repeat(1_000_000)}` });
  const { rows } = await world.database.query(
    'SELECT length(detail) AS n, left(detail, 20) AS beginning FROM dead_letter',
  );
  expect(rows).toEqual([{ n: 1_001, beginning: 'the metric is xxxxxx' }]);
});
