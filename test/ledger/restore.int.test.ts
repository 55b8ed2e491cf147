import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { begin } from '../../src/ledger/positions.ts';
import type { EventInput } from '../../src/produce/encoder.ts';
import { llm } from '../identify/samples.ts';
import { type BookedPartition, type LedgerWorld, newLedgerWorld } from '../support/ledger-world.ts';
import { encoded, messageAt } from '../support/messages.ts';
import { backedUp } from '../support/restore.ts';
import { breaks } from '../support/world.ts';

/** Postgres is restored to an earlier moment; the worker keeps running, with its caches. */

let world: LedgerWorld;
beforeAll(async () => {
  world = await newLedgerWorld();
});
beforeEach(async () => {
  await world.clear();
});
afterAll(async () => {
  await world.close();
});

const event =
  (request_id: string, model = 'gpt-4o', session = 'call', envelope: Partial<EventInput> = {}) =>
  (offset: number) => {
    const metadata = { model_name: model, model_provider: 'openai' };
    const metric = llm({ request_id, metadata });
    return messageAt(offset, encoded({ session_id: session, metric, ...envelope }));
  };

/** The partition, for a worker that has read its position again. */
const lookedUp = (partition: BookedPartition) =>
  world.partition(partition.partition, partition.groupId);

async function billed(): Promise<string[]> {
  const { rows } = await world.database.query<{ event: string }>(
    `SELECT concat_ws(' ', session_id, request_id, model) AS event FROM usage_event ORDER BY 1`,
  );
  return rows.map((row) => row.event);
}

describe('after a restore of the database under a running worker', () => {
  test('events that it lost are applied again, and not duplicates by the cache', async () => {
    const ledger = world.ledger();
    const partition = await world.partition(0);
    await partition.book(ledger, [event('one')]);
    const restore = await backedUp(world.database);
    await partition.book(ledger, [event('two'), event('three')]);
    await restore();

    // Until it has noticed the restore, it writes nothing.
    const unaware = await partition.book(ledger, [event('four')]);
    expect(unaware).toEqual({ status: 'moved', position: { nextOffset: 1, pass: 0 } });

    const again = await lookedUp(partition);
    const result = await again.book(ledger, [event('two'), event('three'), event('four')]);
    expect(result).toMatchObject({ counts: { applied: 3, duplicate: 0 } });
    expect(await billed()).toEqual(
      ['four', 'one', 'three', 'two'].map((id) => `call ${id} gpt-4o`),
    );
    expect(await breaks(world.database)).toEqual([]);
  });

  test('a batch of only events that it lost is not taken for duplicates', async () => {
    const ledger = world.ledger();
    const partition = await world.partition(0);
    await partition.book(ledger, [event('one')]);
    const restore = await backedUp(world.database);
    await partition.book(ledger, [event('two')]);
    await restore();

    const again = await lookedUp(partition);
    const result = await again.book(ledger, [event('two')]);

    expect(result).toMatchObject({ counts: { applied: 1, duplicate: 0 } });
    expect(await breaks(world.database)).toEqual([]);
  });

  test('a conflict with an event that it lost is no conflict', async () => {
    const ledger = world.ledger();
    const partition = await world.partition(0);
    await partition.book(ledger, [event('one')]);
    const restore = await backedUp(world.database);
    await partition.book(ledger, [event('two')]);
    await restore();

    const again = await lookedUp(partition);
    const result = await again.book(ledger, [event('two', 'gpt-4o-mini')]);

    expect(result).toMatchObject({ counts: { applied: 1, conflict: 0 } });
    expect(await billed()).toEqual(['call one gpt-4o', 'call two gpt-4o-mini']);
  });

  test('a session that it lost is inserted again, with its account and its attributes', async () => {
    const ledger = world.ledger();
    const partition = await world.partition(0);
    const known = { account_id: 'one', attributes: { room: 'a' } };
    await partition.book(ledger, [event('one')]);
    const restore = await backedUp(world.database);
    await partition.book(ledger, [event('two', 'gpt-4o', 'lost', known)]);
    await restore();

    const again = await lookedUp(partition);
    await again.book(ledger, [event('two', 'gpt-4o', 'lost', known)]);

    const { rows } = await world.database.query(
      `SELECT account_id, attributes FROM session WHERE session_id = 'lost'`,
    );
    expect(rows).toEqual([{ account_id: 'one', attributes: { room: 'a' } }]);
    expect(await breaks(world.database)).toEqual([]);
  });

  test('the cached number of a name that it lost is not used when another name has it now', async () => {
    const ledger = world.ledger();
    const partition = await world.partition(0);
    await partition.book(ledger, [event('one')]);
    const restore = await backedUp(world.database);
    await partition.book(ledger, [event('two', 'cheap')]);
    await restore();

    // Another worker is the first, with another model.
    const other = await world.partition(1);
    await other.book(world.ledger(), [event('three', 'expensive', 'other')]);
    const again = await lookedUp(partition);
    const result = await again.book(ledger, [event('two', 'cheap')]);

    expect(result).toMatchObject({ counts: { applied: 1 } });
    expect(await billed()).toEqual(['call one gpt-4o', 'call two cheap', 'other three expensive']);
    expect(await breaks(world.database)).toEqual([]);
  });

  test('a name that it lost gets a number again', async () => {
    const ledger = world.ledger();
    const partition = await world.partition(0);
    const restore = await backedUp(world.database);
    await partition.book(ledger, [event('one')]);
    await restore();

    const where = { groupId: partition.groupId, topic: 'ledger-world', partition: 0 };
    await begin(world.database, where, 0);
    const again = await lookedUp(partition);
    await again.book(ledger, [event('one')]);

    expect(await billed()).toEqual(['call one gpt-4o']);
    expect(await breaks(world.database)).toEqual([]);
  });

  test('a session that as many transactions wrote to as before is not taken for the cached one', async () => {
    const ledger = world.ledger();
    const partition = await world.partition(0);
    await partition.book(ledger, [event('zero')]);
    const restore = await backedUp(world.database);
    await partition.book(ledger, [event('one')]);
    await restore();

    const other = await world.partition(1);
    await other.book(world.ledger(), [event('X')]);
    const again = await lookedUp(partition);
    const result = await again.book(ledger, [event('one'), event('X')]);

    expect(result).toMatchObject({ counts: { applied: 1, duplicate: 1 } });
    expect(await billed()).toEqual(['X', 'one', 'zero'].map((id) => `call ${id} gpt-4o`));
    expect(await breaks(world.database)).toEqual([]);
  });
});
