import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createLogger } from '../../src/config/logger.ts';
import { withAdmin } from '../../src/kafka/admin.ts';
import { createKafka } from '../../src/kafka/client.ts';
import type { EventInput } from '../../src/produce/encoder.ts';
import { cli } from '../support/cli.ts';
import { readTopic } from '../support/read-topic.ts';
import { freshTopic } from '../support/stack.ts';
import { breaks, calls, newWorld, type World } from '../support/world.ts';

const llm = calls.events.find(({ metric }) => metric.type === 'llm_metrics') as EventInput;

let world: World;
beforeAll(async () => {
  world = await newWorld(1);
});
afterAll(async () => {
  await world.close();
});

/** A topic of copies with a setting of its own. */
async function topicWith(name: string, value: string): Promise<string> {
  const topic = await freshTopic(1);
  const kafka = createKafka(world.settings, createLogger('fatal'));
  await withAdmin(kafka, (admin) =>
    admin.alterConfigs({
      validateOnly: false,
      resources: [{ type: 2, name: topic, configEntries: [{ name, value }] }],
    }),
  );
  return topic;
}

const run = (copies: string) =>
  world.run({ env: { KAFKA_DEAD_LETTER_TOPIC: copies, DEAD_LETTER_LIMIT: '1' } });

const rowAt = async (offset: number) => {
  const { rows } = await world.database.query(
    'SELECT copy_due_at, copied_at, copy_error FROM dead_letter WHERE kafka_offset = $1',
    [offset],
  );
  return rows[0];
};

const end = async (): Promise<number> => {
  const { rows } = await world.database.query('SELECT next_offset FROM consumer_position');
  return Number(rows[0]?.next_offset ?? 0);
};

describe('a dead letter that KAFKA_DEAD_LETTER_TOPIC refuses permanently', () => {
  // A compacted topic takes nothing without a key: the partition once stood still for ever.
  test('does not stop its partition: the refusal is on its row, and other dead letters are copied', async () => {
    const copies = await topicWith('cleanup.policy', 'compact');
    const first = await end();
    await world.send([
      { key: null, value: Buffer.from('no key'), partition: 0 },
      { key: 'k', value: Buffer.from('a key'), partition: 0 },
    ]);
    await world.send(await world.encode([llm]));

    expect((await run(copies)).counts).toMatchObject({ applied: 1, dead_letter: 2 });

    const [copy] = await readTopic(world.settings.KAFKA_BROKERS, copies, 1);
    expect(copy?.value?.toString()).toBe('a key');
    const refused = { copy_due_at: null, copied_at: null };
    expect(await rowAt(first)).toEqual({
      ...refused,
      copy_error: expect.stringMatching(/^INVALID_RECORD: /),
    });
    expect(await rowAt(first + 1)).toEqual({
      copy_due_at: null,
      copied_at: expect.any(Date),
      copy_error: null,
    });
    const id = `${world.topic}/0/${first}`;
    const shown = await cli(['dead-letters', 'show', id], world.env);
    expect(JSON.parse(shown.stdout)).toMatchObject({
      copied_at: null,
      copy_error: expect.stringContaining('INVALID_RECORD'),
    });
    const listed = await cli(['dead-letters', 'list'], world.env);
    expect(listed.stdout).toMatch(/not copied: INVALID_RECORD/);
    expect(await breaks(world.database)).toEqual([]);
  });

  test('because even its coordinates do not fit does not stop its partition', async () => {
    const copies = await topicWith('max.message.bytes', '100');
    const first = await end();
    await world.send([{ key: 'k', value: Buffer.from('anything'), partition: 0 }]);

    expect((await run(copies)).counts).toMatchObject({ dead_letter: 1 });

    expect(await rowAt(first)).toMatchObject({
      copy_due_at: null,
      copied_at: null,
      copy_error: expect.stringMatching(/^MESSAGE_TOO_LARGE: /),
    });
  });
});

describe('a copy', () => {
  const LARGE = 900_000;

  // `usage_ledger_omitted` of the sender was taken for ours: a large value then stopped the partition.
  test('omits the sender’s usage_ledger_ headers, and the bytes of a dead letter that is too large', async () => {
    const copies = await topicWith('max.message.bytes', '500000');
    const first = await end();
    const forged = {
      usage_ledger_omitted: 'forged',
      usage_ledger_offset: '1',
      USAGE_LEDGER_TOPIC: 'forged',
      usage_ledger_more: 'forged',
    };
    const value = Buffer.alloc(10, 1);
    const at = { partition: 0 };
    await world.send([{ ...at, key: null, value: Buffer.alloc(1_048_000, 1), headers: forged }]);
    await world.send([{ ...at, key: null, value, headers: { ...forged, trace: 'kept' } }]);
    await world.send([
      { ...at, key: null, value, headers: { header: Buffer.alloc(1_048_000, 2) } },
    ]);
    await world.send([{ ...at, key: Buffer.alloc(LARGE, 3), value, headers: { a: 'b' } }]);
    await world.send([{ ...at, key: null, value, headers: { ['n'.repeat(1_048_000)]: 'b' } }]);

    expect((await run(copies)).counts).toMatchObject({ dead_letter: 5 });

    const seen = await readTopic(world.settings.KAFKA_BROKERS, copies, 5);
    const byOffset = new Map(
      seen.map((message) => [Number(message.headers?.['usage_ledger_offset']), message]),
    );
    const expected = [
      { length: undefined, omitted: true },
      { length: 10, omitted: false },
      { length: undefined, omitted: true },
      { length: undefined, omitted: true },
      { length: undefined, omitted: true },
    ];
    for (const [i, { length, omitted }] of expected.entries()) {
      const { value: bytes, headers = {} } = byOffset.get(first + i) ?? {};
      expect({ i, length: bytes?.length }).toEqual({ i, length });
      expect({ i, omitted: 'usage_ledger_omitted' in headers }).toEqual({ i, omitted });
      expect(String(headers['usage_ledger_topic'])).toBe(world.topic);
      const names = Object.keys(headers).filter((name) => /^usage_ledger_/i.test(name));
      expect(names.sort()).toEqual(
        [
          'usage_ledger_detail',
          ...(omitted ? ['usage_ledger_omitted'] : []),
          'usage_ledger_offset',
          'usage_ledger_partition',
          'usage_ledger_reason',
          'usage_ledger_topic',
        ].sort(),
      );
      expect(JSON.stringify(headers)).not.toContain('forged');
    }
    expect(String(byOffset.get(first + 1)?.headers?.['trace'])).toBe('kept');
  });

  // kafkajs needs six seconds to encode 150,000 headers, in which the worker does nothing else.
  test('omits headers above the limit', async () => {
    const copies = await freshTopic(1);
    const headers = { many: Array.from({ length: 5_000 }, () => 'x') };
    await world.send([{ key: 'k', value: Buffer.from('x'), headers, partition: 0 } as never]);

    await run(copies);

    const [copy] = await readTopic(world.settings.KAFKA_BROKERS, copies, 1);
    expect(copy?.value).toBeNull();
    expect(String(copy?.headers?.['usage_ledger_omitted'])).toMatch(/^key, value and headers/);
  });

  test('keeps a header named __proto__', async () => {
    const copies = await freshTopic(1);
    const headers = Object.fromEntries([
      ['__proto__', 'kept'],
      ['constructor', 'kept'],
    ]);
    await world.send([{ key: 'k', value: Buffer.from('x'), headers, partition: 0 }]);

    await run(copies);

    const { rows } = await world.database.query(
      "SELECT headers ->> '__proto__' AS header FROM dead_letter WHERE headers ? '__proto__'",
    );
    expect(rows).toEqual([{ header: 'kept' }]);
    // Kafka's clients for JavaScript lose it when they read: the worker does not.
    await expectReread(copies);
  });

  async function expectReread(copies: string): Promise<void> {
    const other = await newWorld(1);
    try {
      await other.run({
        env: {
          DATABASE_URL: other.env['DATABASE_URL'],
          KAFKA_TOPICS: copies,
          DEAD_LETTER_LIMIT: '1',
        },
      });
      const { rows } = await other.database.query(
        "SELECT headers ->> '__proto__' AS header FROM dead_letter",
      );
      expect(rows).toEqual([{ header: 'kept' }]);
    } finally {
      await other.close();
    }
  }
});
