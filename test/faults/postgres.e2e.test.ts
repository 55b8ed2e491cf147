import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { BatchStep } from '../../src/ledger/ledger.ts';
import { type FaultScene, RECOVERY_MS, withScene } from '../support/fault-scene.ts';
import { membersOf } from '../support/group-members.ts';
import { endsOf, laggingPartitions } from '../support/lagging-partitions.ts';
import { type OwnService, ownService } from '../support/own-service.ts';
import { until } from '../support/until.ts';
import { WorkerProcess } from '../support/worker-process.ts';
import type { World } from '../support/world.ts';

let postgres: OwnService;
beforeAll(async () => {
  postgres = await ownService('postgres');
});
afterAll(async () => {
  await postgres.stop();
});

/** Runs a test on a scene, with a connection that belongs to no worker. */
async function scene(
  run: (scene: FaultScene, rival: pg.Client, database: string) => Promise<void>,
  partitions = 2,
): Promise<void> {
  await withScene(postgres.urls, partitions, async (made) => {
    const { DATABASE_URL, DATABASE_SCHEMA } = made.world.settings;
    const rival = new pg.Client({
      connectionString: DATABASE_URL,
      options: `-c search_path=${DATABASE_SCHEMA}`,
      application_name: 'rival',
    });
    rival.on('error', () => {});
    await rival.connect();
    try {
      await run(made, rival, new URL(DATABASE_URL).pathname.slice(1));
    } finally {
      await rival.end().catch(() => {});
    }
  });
}

const cutWorkers = (rival: pg.Client, database: string) =>
  rival.query(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
     WHERE application_name = 'usage-ledger' AND datname = $1`,
    [database],
  );

/** The worker waits for a lock that the rival has. */
const isWaitedFor = async (rival: pg.Client) => {
  const { rows } = await rival.query(
    'SELECT 1 FROM pg_stat_activity WHERE pg_backend_pid() = ANY (pg_blocking_pids(pid))',
  );
  return rows.length > 0;
};

/** A session that has been booked, and the partition that its events come from. */
async function aSession({ database }: World): Promise<{ session: string; partition: number }> {
  const { rows } = await database.query(
    `SELECT session_id AS session, kafka_partition AS partition
     FROM usage_event ORDER BY session_id LIMIT 1`,
  );
  return rows[0];
}

/** Takes all connections that a role may have, those of its workers too, and leaves them idle. */
async function takeConnections(rival: pg.Client, url: string, count: number): Promise<pg.Client[]> {
  const taken: pg.Client[] = [];
  await until('no connection is left', async () => {
    await rival.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
       WHERE application_name = 'usage-ledger' AND usename = $1`,
      [new URL(url).username],
    );
    const client = new pg.Client({ connectionString: url, application_name: 'idle' });
    client.on('error', () => {});
    try {
      await client.connect();
      taken.push(client);
    } catch (error) {
      // A worker's connection is not gone yet, or was made just now.
      expect(error).toMatchObject({ code: '53300' });
    }
    return taken.length === count;
  });
  return taken;
}

/** Runs a worker in a process of its own, up to an orderly end. */
async function withProcess(
  env: NodeJS.ProcessEnv,
  run: (worker: WorkerProcess) => Promise<void>,
): Promise<void> {
  const worker = new WorkerProcess({ ...env, LOG_LEVEL: 'warn' });
  try {
    await run(worker);
    expect((await worker.stop()).code, worker.log).toBe(0);
  } finally {
    worker.signal('SIGKILL');
    await worker.ended;
  }
}

const hasSaid = (worker: WorkerProcess, words: string) =>
  until(`the worker says: ${words}`, () => {
    expect(worker.end, worker.log).toBeUndefined();
    return worker.log.includes(words);
  });

describe.concurrent('a worker recovers with identical rows after', () => {
  test('its connections were terminated during transactions', async () => {
    await scene(async ({ work, send, hasBooked, recovers, allBooked }, rival, database) => {
      const left = new Set<BatchStep>(['begun', 'fenced', 'pages_written', 'books_kept']);
      work({
        onStep: async (step) => {
          if (left.delete(step)) await cutWorkers(rival, database);
        },
      });
      await send(400);
      await hasBooked(400);
      expect(left.size).toBe(0);
      await recovers();
      await allBooked();
    });
  });

  test('a deadlock whose victim it was', async () => {
    await scene(async ({ work, send, hasBooked, recovers, allBooked }, rival) => {
      work();
      await send(400);
      await hasBooked(400);
      // So that it is the worker that finds the deadlock, and gives way.
      await rival.query(`SET deadlock_timeout = '60s'`);
      await rival.query('BEGIN');
      await rival.query(
        'SELECT 1 FROM session ORDER BY session_id COLLATE "C" DESC LIMIT 5 FOR UPDATE',
      );
      await send(400);
      await until('the worker waits for the rival', () => isWaitedFor(rival));
      await rival.query('SELECT 1 FROM session FOR UPDATE');
      await rival.query('COMMIT');
      await until('the server has counted the deadlock', async () => {
        const { rows } = await rival.query(
          'SELECT 1 FROM pg_stat_database WHERE datname = current_database() AND deadlocks > 0',
        );
        return rows.length > 0;
      });
      await recovers();
      await allBooked();
    }, 1);
  });

  test('a serialization failure', async () => {
    await scene(async ({ work, send, hasBooked, recovers, allBooked }, rival, database) => {
      // The isolation that a database sets does not reach a batch: nothing of its own fails so.
      await rival.query(
        `ALTER DATABASE ${database} SET default_transaction_isolation = 'serializable'`,
      );
      await rival.query(`
        CREATE SEQUENCE attempts;
        GRANT USAGE ON SEQUENCE attempts TO PUBLIC;
        CREATE FUNCTION fail_often() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
          IF nextval('attempts') % 4 = 0 THEN
            RAISE EXCEPTION 'could not serialize access' USING ERRCODE = '40001';
          END IF;
          RETURN NEW;
        END $$;
        CREATE TRIGGER fail_often BEFORE UPDATE ON consumer_position
          FOR EACH ROW EXECUTE FUNCTION fail_often()`);
      let usageAdded = 0;
      let committed = 0;
      work({
        onStep: async (step) => {
          if (step === 'usage_added') usageAdded += 1;
          if (step === 'committed') committed += 1;
        },
      });
      await send(600);
      await hasBooked(600);
      expect(committed).toBeLessThan(usageAdded);
      await rival.query('DROP TRIGGER fail_often ON consumer_position');
      await recovers();
      await allBooked();
    });
  });

  test('a lock that was held for 30 s, while the other partitions continued', async () => {
    await scene(async ({ world, work, send, hasBooked, allBooked }, rival) => {
      work();
      await send(400);
      await hasBooked(400);
      const { session, partition } = await aSession(world);
      const { rows } = await rival.query('SELECT pg_backend_pid() AS pid');
      await rival.query('BEGIN');
      await rival.query('SELECT 1 FROM session WHERE session_id = $1 FOR UPDATE', [session]);
      let isHeld = true;
      const held = rival.query('SELECT pg_sleep(30); COMMIT').finally(() => {
        isHeld = false;
      });
      held.catch(() => {});
      const attempts = new Set<string>();
      // It gives up on a lock after 10 s.
      for (const attempt of [1, 2, 3]) {
        await send(100);
        await until(`the worker waits for the lock, attempt ${attempt}`, async () => {
          const waiting = await world.database.query(
            `SELECT xact_start::text AS begun FROM pg_stat_activity
             WHERE $1 = ANY (pg_blocking_pids(pid))`,
            [rows[0].pid],
          );
          for (const { begun } of waiting.rows) attempts.add(begun);
          return attempts.size === attempt;
        });
        await until('the other partitions are at their ends', async () => {
          const lagging = await laggingPartitions(world, await endsOf(world));
          return lagging.every((other) => other === partition);
        });
        expect(isHeld).toBe(true);
      }
      await held;
      await hasBooked(700, RECOVERY_MS);
      await allBooked();
    }, 4);
  });

  test('a period in which the database was read-only', async () => {
    await scene(async ({ work, send, hasBooked, recovers, allBooked }, rival, database) => {
      work();
      await send(400);
      await hasBooked(400);
      await rival.query(`ALTER DATABASE ${database} SET default_transaction_read_only = on`);
      await cutWorkers(rival, database);
      await send(100);
      await delay(2_000);
      // Connections that were made meanwhile stay read-only.
      await rival.query(`ALTER DATABASE ${database} RESET default_transaction_read_only`);
      await recovers();
      await allBooked();
    });
  });

  test('a period in which the disk was full', async () => {
    await scene(async ({ work, send, hasBooked, recovers, allBooked }, rival) => {
      work();
      await send(400);
      await hasBooked(400);
      await rival.query(`
        CREATE FUNCTION disk_full() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = '53100'; END $$;
        CREATE TRIGGER disk_full BEFORE INSERT OR UPDATE ON session_model_usage
          FOR EACH ROW EXECUTE FUNCTION disk_full()`);
      await send(100);
      await delay(2_000);
      await rival.query('DROP TRIGGER disk_full ON session_model_usage');
      await recovers();
      await allBooked();
    });
  });

  test('a server that was too slow for a batch of that size', async () => {
    await scene(async ({ work, send, hasBooked, allBooked }, rival) => {
      work();
      await send(400);
      await hasBooked(400);
      await rival.query(`
        CREATE FUNCTION too_slow() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
          IF (SELECT count(*) FROM pages) > 4 THEN
            RAISE EXCEPTION 'canceling statement due to statement timeout' USING ERRCODE = '57014';
          END IF;
          RETURN NULL;
        END $$;
        CREATE TRIGGER too_slow AFTER INSERT ON ledger_page REFERENCING NEW TABLE AS pages
          FOR EACH STATEMENT EXECUTE FUNCTION too_slow()`);
      await send(200);
      await hasBooked(600);
      await rival.query('DROP TRIGGER too_slow ON ledger_page');
      await allBooked();
    });
  });

  test('an exhausted connection pool: the server had no connection left', async () => {
    await scene(async ({ world, send, booked, hasBooked, allBooked }, rival, database) => {
      const seats = 5;
      const role = `writer_of_${database}`;
      await rival.query(
        `CREATE ROLE ${role} LOGIN PASSWORD 'secret' CONNECTION LIMIT ${seats} IN ROLE usage_ledger_writer`,
      );
      const url = new URL(world.settings.DATABASE_URL);
      [url.username, url.password] = [role, 'secret'];
      const env = { ...world.env, DATABASE_URL: url.href, KAFKA_SESSION_TIMEOUT_MS: '6000' };
      await withProcess(env, async (worker) => {
        await send(400);
        await hasBooked(400);
        const members = await membersOf(world.settings);
        const idle = await takeConnections(rival, url.href, seats);
        await send(100);
        // The eighth in a row comes later than the group waits for a member that says nothing.
        await hasSaid(worker, '"attempt":7,"error":"too many connections for role');
        expect(await booked()).toBe(400);
        await Promise.all(idle.map((client) => client.end()));
        await hasBooked(500, RECOVERY_MS);
        expect(await membersOf(world.settings)).toEqual(members);
        await allBooked();
      });
    });
  });

  test.each([
    { batches: 1, meanwhile: 'canceling statement due to lock timeout' },
    { batches: 2, meanwhile: 'timeout exceeded when trying to connect' },
  ])(
    'an exhausted connection pool: its only connection waited for a lock, DATABASE_POOL_SIZE being $batches',
    async ({ batches, meanwhile }) => {
      await scene(async ({ world, send, booked, hasBooked, allBooked }, rival) => {
        const env = {
          ...world.env,
          DATABASE_POOL_SIZE: String(batches),
          TORTURE_CONNECTIONS: '1',
        };
        await withProcess(env, async (worker) => {
          await send(400);
          await hasBooked(400);
          const { session } = await aSession(world);
          await rival.query('BEGIN');
          await rival.query('SELECT 1 FROM session WHERE session_id = $1 FOR UPDATE', [session]);
          await send(100);
          await until('the worker waits for the rival', () => isWaitedFor(rival));
          const before = await booked();
          await send(100);
          await hasSaid(worker, meanwhile);
          // Between two attempts the others get their turn.
          await until('another partition advanced', async () => (await booked()) > before);
          await rival.query('COMMIT');
          await hasBooked(600, RECOVERY_MS);
          await allBooked();
        });
      });
    },
  );
});

describe('a worker recovers with identical rows after Postgres', () => {
  test('stopped at once and was started again', async () => {
    await scene(async ({ work, send, hasBooked, recovers, allBooked }) => {
      work();
      await send(400);
      await hasBooked(200);
      await postgres.process.kill('SIGQUIT');
      await send(100);
      await postgres.process.start();
      await recovers();
      await allBooked();
    });
  });

  test('did not answer for a while', async () => {
    await scene(async ({ work, send, hasBooked, recovers, allBooked }) => {
      work();
      await send(400);
      await hasBooked(200);
      await postgres.process.pause();
      await send(100);
      await delay(7_000);
      await postgres.process.resume();
      await recovers();
      await allBooked();
    });
  });
});
