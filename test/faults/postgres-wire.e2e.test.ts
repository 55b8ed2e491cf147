import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SESSION_RECOVERY_MS, withScene } from '../support/fault-scene.ts';
import { type OwnService, ownService } from '../support/own-service.ts';
import { TcpProxy } from '../support/tcp-proxy.ts';
import { until } from '../support/until.ts';

// Of its own: a backend that waits for a client to log in keeps databases from being dropped.
let postgres: OwnService;
beforeAll(async () => {
  postgres = await ownService('postgres');
});
afterAll(async () => {
  await postgres.stop();
});

describe.concurrent('over a connection that fails', () => {
  /** COMMIT as a simple query of the frontend/backend protocol. */
  const COMMIT = Buffer.from('Q\0\0\0\x0bCOMMIT\0');

  test.each([
    { verdict: 'cut after', happened: true },
    { verdict: 'cut before', happened: false },
  ] as const)(
    'a COMMIT without an answer ($verdict it) is looked up, not guessed',
    async ({ verdict, happened }) => {
      await withScene(
        postgres.urls,
        2,
        async ({ world, work, send, hasBooked, recovers, allBooked, booked }) => {
          const { proxy, url } = await TcpProxy.of(world.settings.DATABASE_URL);
          let commits = 0;
          proxy.judge = (bytes) => {
            if (!bytes.includes(COMMIT)) return 'pass';
            commits += 1;
            return commits % 5 === 0 ? verdict : 'pass';
          };
          const worker = work({ env: { DATABASE_URL: url } });
          await send(600);
          await hasBooked(600);
          proxy.judge = () => 'pass';
          await recovers();
          const { counts } = await worker.stop();
          const counted = Object.values(counts).reduce((sum, count) => sum + count);
          // The worker does not count a commit whose answer was lost.
          if (happened) expect(counted).toBeLessThan(await booked());
          else expect(counted).toBe(await booked());
          work();
          await allBooked();
          await proxy.close();
        },
      );
    },
  );
});

describe.concurrent('over a connection that hangs', () => {
  test.each(['begun', 'sessions_locked', 'usage_added', 'books_kept'] as const)(
    'a connection that falls silent at %s is given up',
    async (at) => {
      await withScene(
        postgres.urls,
        2,
        async ({ world, work, send, hasBooked, recovers, allBooked }) => {
          const { proxy, url } = await TcpProxy.of(world.settings.DATABASE_URL);
          let stalled = 0;
          work({
            env: { DATABASE_URL: url },
            onStep: (step) => {
              if (step !== at || stalled > 0) return;
              stalled += 1;
              proxy.stall();
            },
          });
          await send(50);
          await until('the connections are stalled', () => stalled > 0);
          // From now on new connections work: the old ones must be found to be dead.
          await recovers(SESSION_RECOVERY_MS);
          await hasBooked(90);
          await allBooked();
          await proxy.close();
        },
      );
    },
  );
});
