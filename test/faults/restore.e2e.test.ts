import { afterAll, beforeAll, describe, test } from 'vitest';
import { type FaultScene, RECOVERY_MS, withScene } from '../support/fault-scene.ts';
import { type OwnService, ownService } from '../support/own-service.ts';
import { backedUp, filesBackedUp } from '../support/restore.ts';
import { stackUrls } from '../support/stack.ts';
import { until } from '../support/until.ts';

let postgres: OwnService;
beforeAll(async () => {
  postgres = await ownService('postgres');
});
afterAll(async () => {
  await postgres.stop();
});

/** Books some events, backs up, books more, restores, and sends nothing: then all is booked again. */
async function isBookedAgain(
  { world, work, send, hasBooked, allBooked }: FaultScene,
  backUp: () => Promise<() => Promise<void>>,
): Promise<void> {
  work();
  await send(400);
  await hasBooked(400);
  const restore = await backUp();
  await send(300);
  await hasBooked(700);
  await restore();

  await until(
    'a quiet partition is read again',
    async () => (await booked(world)) === 700,
    RECOVERY_MS,
  );

  await allBooked();
}

async function booked({ database }: FaultScene['world']): Promise<number> {
  const { rows } = await database
    .query<{ n: number }>('SELECT coalesce(sum(consumed), 0)::int AS n FROM consumed_range')
    .catch(() => ({ rows: [] }));
  return rows[0]?.n ?? -1;
}

describe('after Postgres is restored to an earlier moment under a running worker, without new messages, the rows are rebuilt:', () => {
  test('its tables', async () => {
    await withScene(stackUrls(), 2, (scene) =>
      isBookedAgain(scene, () => backedUp(scene.world.database)),
    );
  });

  test('its files, with the server stopped', async () => {
    await withScene(postgres.urls, 2, (scene) =>
      isBookedAgain(scene, () => filesBackedUp(postgres.process, scene.world.database)),
    );
  });

  test('its tables, before the group had a position', async () => {
    await withScene(stackUrls(), 2, async ({ world, work, send, hasBooked, allBooked }) => {
      const restore = await backedUp(world.database);
      work();
      await send(300);
      await hasBooked(300);
      await restore();

      await until('all is read again', async () => (await booked(world)) === 300, RECOVERY_MS);

      await allBooked();
    });
  });
});
