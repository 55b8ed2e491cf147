import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { BatchStep } from '../../src/ledger/ledger.ts';
import { type FaultScene, newScene, SESSION_RECOVERY_MS } from '../support/fault-scene.ts';
import { type OwnService, ownService } from '../support/own-service.ts';
import { TcpProxy } from '../support/tcp-proxy.ts';
import { until } from '../support/until.ts';

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
  const made = await newScene(postgres.urls, partitions);
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
    await made.close();
  }
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

describe.concurrent('a worker goes on by itself, to the digit, after', () => {
  test('its connections were terminated in the middle of transactions', async () => {
    await scene(async ({ work, send, hasBooked, recovers, settles }, rival, database) => {
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
      await settles();
    });
  });

  test('a deadlock whose victim it was', async () => {
    await scene(async ({ work, send, hasBooked, recovers, settles }, rival) => {
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
      await settles();
    }, 1);
  });

  test('a serialization failure', async () => {
    await scene(async ({ work, send, hasBooked, recovers, settles }, rival, database) => {
      await rival.query(
        `ALTER DATABASE ${database} SET default_transaction_isolation = 'repeatable read'`,
      );
      let fenced = 0;
      let written = 0;
      work({
        onStep: async (step) => {
          if (step === 'pages_written') written += 1;
          if (step !== 'fenced') return;
          fenced += 1;
          // Behind the snapshot of the worker's transaction.
          if (fenced % 4 === 0) await rival.query('UPDATE session SET attributes = attributes');
        },
      });
      await send(600);
      await hasBooked(600);
      expect(written).toBeLessThan(fenced);
      await recovers();
      await settles();
    });
  });

  test('a lock that was held for longer than it waits', async () => {
    await scene(async ({ work, send, hasBooked, recovers, settles }, rival) => {
      work();
      await send(400);
      await hasBooked(400);
      await rival.query('BEGIN');
      await rival.query('SELECT 1 FROM session FOR UPDATE');
      await send(100);
      await until('the worker waits for the rival', () => isWaitedFor(rival));
      await delay(12_000);
      await rival.query('COMMIT');
      await recovers();
      await settles();
    });
  });

  test('a time in which the database was read-only', async () => {
    await scene(async ({ work, send, hasBooked, recovers, settles }, rival, database) => {
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
      await settles();
    });
  });

  test('a time in which the disk was full', async () => {
    await scene(async ({ work, send, hasBooked, recovers, settles }, rival) => {
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
      await settles();
    });
  });

  test('a time in which there were too many connections', async () => {
    await scene(async ({ world, work, send, hasBooked, recovers, settles }, rival, database) => {
      const role = `writer_of_${database}`;
      await rival.query(`CREATE ROLE ${role} LOGIN PASSWORD 'secret' IN ROLE usage_ledger_writer`);
      const url = new URL(world.settings.DATABASE_URL);
      url.username = role;
      url.password = 'secret';
      work({ env: { DATABASE_URL: url.href } });
      await send(400);
      await hasBooked(400);
      await rival.query(`ALTER ROLE ${role} CONNECTION LIMIT 0`);
      await cutWorkers(rival, database);
      await send(100);
      await delay(2_000);
      await rival.query(`ALTER ROLE ${role} CONNECTION LIMIT -1`);
      await recovers();
      await settles();
    });
  });
});

describe.concurrent('over a wire that fails', () => {
  /** COMMIT as a simple query of the frontend/backend protocol. */
  const COMMIT = Buffer.from('Q\0\0\0\x0bCOMMIT\0');

  test.each([
    { verdict: 'cut behind', happened: true },
    { verdict: 'cut before', happened: false },
  ] as const)(
    'a COMMIT without an answer ($verdict it) is looked up, not guessed',
    async ({ verdict, happened }) => {
      await scene(async ({ world, work, send, hasBooked, recovers, settles, booked }) => {
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
        // What the worker was not told of, it does not count as its own.
        if (happened) expect(counted).toBeLessThan(await booked());
        else expect(counted).toBe(await booked());
        work();
        await settles();
        await proxy.close();
      });
    },
  );
});

// Apart: a backend that waits for a client to log in keeps databases from being dropped.
describe.concurrent('over a wire that fails without a word', () => {
  test.each(['begun', 'usage_added', 'books_kept'] as const)(
    'a connection that falls silent at %s is given up',
    async (at) => {
      await scene(async ({ world, work, send, hasBooked, recovers, settles }) => {
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
        await settles();
        await proxy.close();
      });
    },
  );
});

describe('a worker goes on by itself, to the digit, after Postgres', () => {
  test('stopped at once and was started again', async () => {
    await scene(async ({ work, send, hasBooked, recovers, settles }) => {
      work();
      await send(400);
      await hasBooked(200);
      await postgres.process.kill('SIGQUIT');
      await send(100);
      await postgres.process.start();
      await recovers();
      await settles();
    });
  });

  test('did not answer for a while', async () => {
    await scene(async ({ work, send, hasBooked, recovers, settles }) => {
      work();
      await send(400);
      await hasBooked(200);
      await postgres.process.pause();
      await send(100);
      await delay(7_000);
      await postgres.process.resume();
      await recovers();
      await settles();
    });
  });
});
