import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { beforeAll, expect, test } from 'vitest';
import { createRegistry } from '../../src/registry/schema-registry.ts';
import { ownService } from '../support/own-service.ts';
import { INSTALL_TIMEOUT_MS, pythonWithLiveKit } from '../support/python-environment.ts';
import { readTopic } from '../support/read-topic.ts';
import { newWorld } from '../support/world.ts';

const CLIENT = fileURLToPath(new URL('../../clients/python/', import.meta.url));

let python: string;
beforeAll(async () => {
  python = await pythonWithLiveKit('1.8.9');
}, INSTALL_TIMEOUT_MS);

/** An emitter in a process of its own that takes orders, each answered by JSON. */
function emitterByOrders(env: NodeJS.ProcessEnv) {
  const child = spawn(python, ['tests/agent/by_orders.py'], {
    cwd: CLIENT,
    env: { ...process.env, ...env, PYTHONPATH: 'src', PYTHONDONTWRITEBYTECODE: '1' },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    async order(line: string): Promise<unknown> {
      child.stdin.write(`${line}\n`);
      const { value } = await answers.next();
      return JSON.parse(value);
    },
    end: () => child.kill('SIGKILL'),
  };
}

test('the Python emitter delivers what was emitted while its broker was killed and started again', async () => {
  const kafka = await ownService('kafka');
  const world = await newWorld(2, kafka.urls);
  const emitter = emitterByOrders(world.env);
  try {
    await emitter.order('emit 100');
    expect(await emitter.order('flush 60')).toMatchObject({ isDone: true, sent: 100 });

    await emitter.order('emit 50');
    await kafka.process.kill('SIGKILL');
    await emitter.order('emit 400');
    // Longer than it takes to notice, so that some are in flight and the others are held back.
    expect(await emitter.order('flush 4')).toMatchObject({ isDone: false });
    await emitter.order('emit 50');
    await kafka.process.start();

    expect(await emitter.order('flush 90')).toEqual({
      isDone: true,
      sent: 600,
      failed: 0,
      dropped: 0,
    });
    const messages = await readTopic(world.settings.KAFKA_BROKERS, world.topic, 600);
    const registry = createRegistry(world.settings);
    const events = await Promise.all(messages.map(({ value }) => registry.decode(value as Buffer)));
    const labels = new Set(events.map(({ metric }) => metric['usage_ledger.VADMetrics'].label));
    expect(labels.size).toBe(600);
  } finally {
    emitter.end();
    await world.close();
    await kafka.stop();
  }
}, 240_000);
