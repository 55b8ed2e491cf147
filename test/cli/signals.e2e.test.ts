import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createLogger } from '../../src/config/logger.ts';
import { withAdmin } from '../../src/kafka/admin.ts';
import { createKafka } from '../../src/kafka/client.ts';
import { startCli } from '../support/cli.ts';
import { ANSWERS_READYZ, readyProblems } from '../support/ready.ts';
import { until } from '../support/until.ts';
import { calls, newWorld, type World } from '../support/world.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
async function group() {
  const { KAFKA_GROUP_ID } = world.settings;
  const kafka = createKafka(world.settings, createLogger('fatal'));
  const { groups } = await withAdmin(kafka, (admin) => admin.describeGroups([KAFKA_GROUP_ID]));
  return { state: groups[0]?.state, members: groups[0]?.members.length };
}

/** Nobody listens there. */
const NOWHERE = '127.0.0.1:1';

let world: World;
beforeAll(async () => {
  world = await newWorld(1);
  await world.send(await world.encode(calls.events.slice(0, 20)));
});
afterAll(async () => {
  await world.close();
});

describe('a signal to the process group, as from a terminal or a service manager', () => {
  test.each(['SIGINT', 'SIGTERM'] as const)(
    'drains when npm passes on a copy of %s',
    async (signal) => {
      const child = spawn('npm', ['run', '-s', 'usage-ledger', '--', 'run'], {
        cwd: ROOT,
        env: {
          PATH: process.env['PATH'],
          HOME: process.env['HOME'],
          ...world.env,
          ...ANSWERS_READYZ,
        },
        stdio: ['ignore', 'ignore', 'pipe'],
        // A group of its own.
        detached: true,
      });
      let log = '';
      child.stderr.setEncoding('utf8').on('data', (text: string) => {
        log += text;
      });
      const ended = once(child, 'close');
      await until('the worker is ready', async () => {
        const running = { log: () => log } as Parameters<typeof readyProblems>[0];
        return (await readyProblems(running))?.length === 0;
      });
      process.kill(-(child.pid as number), signal);
      const [code] = await ended;

      expect({ code, drained: /"msg":"stopped"/.test(log) }, log).toEqual({
        code: 0,
        drained: true,
      });
    },
  );
});

describe('SIGTERM ends the worker within three seconds', () => {
  async function endsQuickly(worker: ReturnType<typeof startCli>): Promise<void> {
    const begun = performance.now();
    worker.process.kill('SIGTERM');
    const { code, stderr } = await worker.ended;
    expect(code, stderr).toBe(0);
    expect(performance.now() - begun).toBeLessThan(4_000);
  }

  test.each([
    ['the brokers', { KAFKA_BROKERS: NOWHERE }],
    ['the registry', { SCHEMA_REGISTRY_URL: `http://${NOWHERE}` }],
    ['Postgres', { DATABASE_URL: `postgres://user:password@${NOWHERE}/none` }],
    ['the topics', { KAFKA_TOPICS: 'there-is-no-such-topic' }],
  ])('while it waits for %s', async (_, env) => {
    const worker = startCli(['run'], { ...world.env, ...env });
    await until('it waits', () => worker.log().includes('waiting for'));
    await endsQuickly(worker);
  });

  test('while it waits for other members of the group', async () => {
    const env = { ...world.env, ...ANSWERS_READYZ, KAFKA_SESSION_TIMEOUT_MS: '30000' };
    const frozen = startCli(['run'], env);
    try {
      await until(
        'a member is in the group',
        async () => (await readyProblems(frozen))?.length === 0,
      );
      frozen.process.kill('SIGSTOP');
      const worker = startCli(['run'], env);
      await until('another one joins', async () => (await group()).state === 'PreparingRebalance');
      await endsQuickly(worker);
      expect((await group()).members).toBe(1);
    } finally {
      frozen.process.kill('SIGKILL');
      await frozen.ended;
    }
  });
});

test('SIGTERM ends other commands while they wait for a dependency', async () => {
  const env = { ...world.env, KAFKA_BROKERS: NOWHERE };
  for (const args of [['replay', '--from-beginning'], ['simulate']]) {
    const command = startCli(args, env);
    await until('it waits', () => command.log().includes('waiting for'));
    command.process.kill('SIGTERM');
    expect((await command.ended).code, args[0]).toBeNull();
  }
});
