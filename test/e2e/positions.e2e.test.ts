import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createLogger } from '../../src/config/logger.ts';
import { withAdmin } from '../../src/kafka/admin.ts';
import { createKafka } from '../../src/kafka/client.ts';
import { startCli } from '../support/cli.ts';
import { kafkaTool } from '../support/kafka-tool.ts';
import { recreateTopic } from '../support/recreate-topic.ts';
import { until } from '../support/until.ts';
import { breaks, calls, differencesFromPython, newWorld, type World } from '../support/world.ts';

describe('where a group begins', () => {
  let world: World;
  beforeEach(async () => {
    world = await newWorld(1);
    await world.send(await world.encode(calls.events));
  });
  afterEach(async () => {
    await world.close();
  });

  const admin = <T>(work: Parameters<typeof withAdmin<T>>[1]) =>
    withAdmin(createKafka(world.settings, createLogger('fatal')), work);
  const groupId = () => world.settings.KAFKA_GROUP_ID;
  const position = async () =>
    (await world.database.query('SELECT next_offset, pass FROM consumer_position')).rows[0];

  test("reset by Kafka's own tool, it reads again as another pass, idempotently", async () => {
    await world.run();
    await kafkaTool('org.apache.kafka.tools.consumer.group.ConsumerGroupCommand', [
      '--bootstrap-server',
      world.settings.KAFKA_BROKERS.join(','),
      '--group',
      groupId(),
      '--topic',
      world.topic,
      '--reset-offsets',
      '--to-offset',
      '1000',
      '--execute',
    ]);

    const { counts } = await world.run();

    expect(counts.applied).toBe(0);
    expect(counts.duplicate + counts.ignored).toBe(1_384);
    expect(await position()).toEqual({ next_offset: '2384', pass: 1 });
    expect(await differencesFromPython(world.database)).toEqual([]);
    expect(await breaks(world.database)).toEqual([]);

    const again = await world.run();
    expect(again.counts).toMatchObject({ applied: 0, duplicate: 0, ignored: 0 });
    expect(await position()).toEqual({ next_offset: '2384', pass: 1 });
  });

  test('its committed offsets deleted, it continues from the position in Postgres', async () => {
    await world.run();
    await admin((client) => client.deleteGroups([groupId()]));
    await world.send((await world.encode(calls.events)).slice(0, 10));

    const { counts } = await world.run();

    expect(Object.values(counts).reduce((sum, count) => sum + count)).toBe(10);
    expect(await position()).toEqual({ next_offset: '2394', pass: 0 });
    expect(await breaks(world.database)).toEqual([]);
  });

  test('its committed offset ahead of Postgres, it rewinds to the position in Postgres', async () => {
    const stop = new AbortController();
    await world.run();
    await world.send((await world.encode(calls.events)).slice(0, 10));
    await admin((client) =>
      client.setOffsets({
        groupId: groupId(),
        topic: world.topic,
        partitions: [{ partition: 0, offset: '2394' }],
      }),
    );

    const { counts } = await world.run({ signal: stop.signal });

    expect(Object.values(counts).reduce((sum, count) => sum + count)).toBe(10);
    expect(await position()).toEqual({ next_offset: '2394', pass: 0 });
  });

  test('without a position in Postgres, it begins at the earliest offset, whatever is committed in Kafka', async () => {
    await admin((client) =>
      client.setOffsets({
        groupId: groupId(),
        topic: world.topic,
        partitions: [{ partition: 0, offset: '2000' }],
      }),
    );

    const { counts } = await world.run();

    expect(counts.applied).toBe(2_032);
    expect(await differencesFromPython(world.database)).toEqual([]);
  });

  test('its next offsets deleted by retention, it halts and names the lost range', async () => {
    await world.run();
    await world.send((await world.encode(calls.events)).slice(0, 20));
    await admin(async (client) => {
      // kafkajs deletes only in topics whose metadata it has read.
      await client.fetchTopicOffsets(world.topic);
      await client.deleteTopicRecords({
        topic: world.topic,
        partitions: [{ partition: 0, offset: '2390' }],
      });
    });

    const { halted } = await world.run();

    expect(halted).toMatchObject([
      {
        topic: world.topic,
        partition: 0,
        position: 2_384,
        detail:
          'offsets 2384 to 2389 were deleted before they were read; restore them, or run: ' +
          `usage-ledger position accept-loss --topic ${world.topic} --partition 0`,
      },
    ]);
    expect(await breaks(world.database)).toEqual([]);
  });

  test('the topic recreated, it halts with that reason', async () => {
    await world.run();
    await recreateTopic(createKafka(world.settings, createLogger('fatal')), world.topic);

    const { halted } = await world.run();

    expect(halted).toHaveLength(1);
    expect(halted[0]?.detail).toMatch(/the topic was recreated: position 2384 belongs to topic id/);
  });

  test('the topic recreated under a running worker, it halts and skips nothing', async () => {
    const worker = startCli(['run'], { ...world.env, LOG_LEVEL: 'info' });
    await until('all is read', async () => (await position())?.next_offset === '2384');
    await recreateTopic(createKafka(world.settings, createLogger('fatal')), world.topic);

    await until('it halts', () => worker.log().includes('is halted at offset 2384'));

    worker.process.kill('SIGTERM');
    expect((await worker.ended).code).toBe(0);
    expect(await position()).toEqual({ next_offset: '2384', pass: 0 });
  });
});
