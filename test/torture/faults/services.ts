import { setTimeout as delay } from 'node:timers/promises';
import { withAdmin } from '../../../src/kafka/admin.ts';
import type { Fault } from './scene.ts';

/** What happens to the services that the workers use. */
export const SERVICE_FAULTS = {
  'Postgres stops at once': async ({ services, random }) => {
    await services.postgres.kill('SIGQUIT');
    await delay(random.integer(0, 2_000));
    await services.postgres.start();
  },

  'Postgres does not answer': async ({ services, random }) => {
    await services.postgres.pause();
    await delay(random.integer(500, 6_000));
    await services.postgres.resume();
  },

  'connections to Postgres are cut': async ({ observer, random }) => {
    for (let i = random.integer(1, 5); i > 0; i -= 1) {
      await observer.query(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE application_name = 'usage-ledger'`,
      );
      await delay(random.integer(10, 200));
    }
  },

  'Kafka is killed': async ({ services, random }) => {
    await services.kafka.kill();
    await delay(random.integer(0, 2_000));
    await services.kafka.start();
  },

  'Kafka does not answer': async ({ services, random }) => {
    await services.kafka.pause();
    await delay(random.integer(1_000, 12_000));
    await services.kafka.resume();
  },

  'the registry is killed': async (scene) => {
    const { fleet, services } = scene;
    await services.registry.kill();
    // Who has just started knows no schema.
    for (const victim of fleet.workers) {
      await fleet.kill(victim);
      scene.killed('registry away');
    }
    fleet.refill();
    await services.registry.start();
  },

  'the group is set back': async ({ fleet, kafka, random, topic, groupId, observer }) => {
    const size = fleet.workers.length;
    await fleet.stop();
    const { rows } = await observer.query<{ partition: number; next_offset: string }>(
      'SELECT partition, next_offset FROM consumer_position WHERE topic = $1',
      [topic],
    );
    const { partition, next_offset } = random.pick(rows);
    const back = random.integer(0, 3_000);
    const offset = String(Math.max(Number(next_offset) - back, 0));
    await withAdmin(kafka, (admin) =>
      admin.setOffsets({ groupId, topic, partitions: [{ partition, offset }] }),
    );
    for (let i = 0; i < size; i += 1) fleet.add();
  },
} as const satisfies Record<string, Fault>;
