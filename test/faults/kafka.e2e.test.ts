import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type FaultScene, SESSION_RECOVERY_MS, withScene } from '../support/fault-scene.ts';
import { membersOf } from '../support/group-members.ts';
import { type OwnService, ownService } from '../support/own-service.ts';
import { Api, ErrorCode, refuse } from '../support/refusing-broker.ts';
import { TcpProxy } from '../support/tcp-proxy.ts';
import { until } from '../support/until.ts';
import { WorkerProcess } from '../support/worker-process.ts';

/** Shorter than what a batch may take, and than what a worker is frozen for. */
const SESSION = { KAFKA_SESSION_TIMEOUT_MS: '6000' };
const BEYOND_SESSION_MS = 7_500;

let kafka: OwnService;
beforeAll(async () => {
  kafka = await ownService('kafka');
});
afterAll(async () => {
  await kafka.stop();
});

const scene = (run: (scene: FaultScene) => Promise<void>) => withScene(kafka.urls, 4, run);

/** Runs a test on a scene whose worker, which has booked 400 messages, reaches the broker by a proxy. */
async function throughProxy(run: (scene: FaultScene, proxy: TcpProxy) => Promise<void>) {
  await scene(async (made) => {
    const [host = '', port] = kafka.urls.kafkaBrokers.split(':');
    const proxy = await TcpProxy.to(host, Number(port));
    const worker = new WorkerProcess({
      ...made.world.env,
      ...SESSION,
      TORTURE_KAFKA_PROXY: String(proxy.port),
    });
    try {
      await made.send(400);
      await made.hasBooked(400);
      await run(made, proxy);
      expect((await worker.stop()).code, worker.log).toBe(0);
    } finally {
      worker.signal('SIGKILL');
      await worker.ended;
      await proxy.close();
    }
  });
}

describe.concurrent('a group', () => {
  test('whose worker is frozen in a transaction continues with the others; once continued, it has no effect and rejoins', async () => {
    await scene(async ({ world, work, send, booked, hasBooked, recovers, allBooked }) => {
      const frozen = new WorkerProcess({ ...world.env, ...SESSION, BATCH_MAX_EVENTS: '20' });
      try {
        const isFrozen = frozen.frozenAt({
          step: 'usage_added',
          occurrence: 3,
          whileDraining: false,
        });
        await send(400);
        await isFrozen;
        expect(await booked()).toBeLessThan(400);
        const other = work({ env: SESSION });
        await hasBooked(400);

        frozen.signal('SIGCONT');
        await recovers();
        await other.stop();
        // Only the one that was frozen is left.
        await recovers(SESSION_RECOVERY_MS);
        expect(frozen.end).toBeUndefined();
        await allBooked();
      } finally {
        frozen.signal('SIGKILL');
        await frozen.ended;
      }
    });
  });

  test('keeps a worker whose batch takes longer than the session, and books the batch once', async () => {
    await scene(async ({ world, work, send, hasBooked, allBooked }) => {
      const { settings } = world;
      let slow = 0;
      work({
        env: { ...SESSION, BATCH_MAX_EVENTS: '1000' },
        onStep: async (step) => {
          if (step !== 'usage_added' || slow > 0) return;
          slow += 1;
          await delay(BEYOND_SESSION_MS);
        },
      });
      await send(200);
      await until('a batch is under way', () => slow > 0);
      const before = await membersOf(settings);
      await hasBooked(200);
      expect(slow).toBe(1);
      expect(await membersOf(settings)).toEqual(before);
      await allBooked();
    });
  });
});

describe.concurrent('a worker that cannot join the group at once', () => {
  test.each([
    { what: 'moves', error: ErrorCode.NOT_COORDINATOR, isAnother: false },
    { what: 'forgets the member', error: ErrorCode.UNKNOWN_MEMBER_ID, isAnother: true },
  ])(
    'joins it later, when the coordinator $what and then loads its groups',
    async ({ error, isAnother }) => {
      await throughProxy(async ({ world, recovers, allBooked }, proxy) => {
        const [member] = await membersOf(world.settings);
        const refused = refuse(proxy, [
          { api: Api.HEARTBEAT, error },
          { api: Api.JOIN_GROUP, error: ErrorCode.COORDINATOR_LOAD_IN_PROGRESS },
        ]);
        await until('the worker was refused', () => refused() === 2);
        await recovers(SESSION_RECOVERY_MS);
        if (isAnother) {
          await until('it is a member, and no other', async () => {
            const members = await membersOf(world.settings);
            return members.length === 1 && members[0] !== member;
          });
        }
        await allBooked();
      });
    },
  );
});

describe.concurrent('a worker whose connection to the broker fails', () => {
  test.each([
    { how: 'is cut, again and again', fail: cutOften, limitMs: undefined },
    {
      how: 'falls silent',
      fail: async (proxy: TcpProxy) => proxy.stall(),
      limitMs: SESSION_RECOVERY_MS,
    },
  ])('recovers with identical rows when it $how', async ({ fail, limitMs }) => {
    await throughProxy(async ({ recovers, allBooked }, proxy) => {
      await fail(proxy);
      await recovers(limitMs);
      await allBooked();
    });
  });

  async function cutOften(proxy: TcpProxy): Promise<void> {
    for (let i = 0; i < 5; i += 1) {
      proxy.cut();
      await delay(100);
    }
  }
});

describe('a worker recovers with identical rows after the broker', () => {
  test('was killed and started again', async () => {
    await scene(async ({ work, send, hasBooked, recovers, allBooked }) => {
      work({ env: SESSION });
      await send(400);
      await hasBooked(200);
      await kafka.process.kill();
      await kafka.process.start();
      // The broker still has the worker's previous member, and waits for its session to end.
      await recovers(SESSION_RECOVERY_MS);
      await allBooked();
    });
  });

  test('did not answer for longer than the request timeout', async () => {
    await scene(async ({ work, send, hasBooked, recovers, allBooked }) => {
      work({ env: SESSION });
      await send(400);
      await hasBooked(400);
      await kafka.process.pause();
      await delay(10_500);
      await kafka.process.resume();
      await recovers(SESSION_RECOVERY_MS);
      await allBooked();
    });
  });
});
