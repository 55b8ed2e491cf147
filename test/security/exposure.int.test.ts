import { once } from 'node:events';
import { connect } from 'node:net';
import { networkInterfaces } from 'node:os';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { EventInput } from '../../src/produce/encoder.ts';
import { type RunningCli, startCli } from '../support/cli.ts';
import { until } from '../support/until.ts';
import { breaks, calls, newWorld, type World } from '../support/world.ts';

/** In everything that says who called, and what was said of it. */
const MARK = 'mark7f3a9c';

let world: World;
let worker: RunningCli;
beforeAll(async () => {
  world = await newWorld(1);
});
afterAll(async () => {
  worker?.process.kill('SIGKILL');
  await world.close();
});

const llm = calls.events.find(({ metric }) => metric.type === 'llm_metrics') as EventInput;
function event(name: string, fields: object = {}, session = `${MARK}-session`): EventInput {
  const ids = {
    request_id: `${MARK}-${name}`,
    label: `${MARK}-label`,
    speech_id: `${MARK}-speech`,
  };
  return {
    session_id: session,
    account_id: `${MARK}-account-${name}`,
    attributes: { [`${MARK}-name`]: `${MARK}-value` },
    metric: Object.assign({}, llm.metric, ids, fields),
  };
}

test('HTTP and the log of a worker have no ids and no payloads, and HTTP listens on loopback', async () => {
  // Too long for an index of Postgres, and not to be packed: refused by the database itself.
  const long = Array.from({ length: 900 }, (_, i) =>
    String.fromCodePoint(0x1_0000 + ((i * 7_919) % 60_000)),
  ).join('');
  await world.send(
    await world.encode([
      event('applied'),
      event('applied'),
      event('conflict'),
      event('conflict', { prompt_tokens: 3 }),
      event('refused', { prompt_tokens: -1 }),
      event('rejected', {}, MARK + long),
    ]),
  );
  await world.send([
    { key: `${MARK}-key`, value: Buffer.from(`${MARK}-garbage`) },
    { key: `${MARK}-key`, value: Buffer.from(`\0\0\0\0\x7f${MARK}`), headers: { [MARK]: MARK } },
  ]);

  // HTTP_HOST is not set: the default holds.
  const env = { ...world.env, HTTP_PORT: '0', LOG_LEVEL: 'info', DEAD_LETTER_LIMIT: '1' };
  worker = startCli(['run'], env);
  await until('all is booked', async () => {
    const { rows } = await world.database.query('SELECT next_offset FROM consumer_position');
    return rows[0]?.next_offset === '8';
  });

  const address = /"address":"([^"]+)"/.exec(worker.log())?.[1] ?? '';
  expect(address).toMatch(/^127\.0\.0\.1:\d+$/);
  for (const path of ['/metrics', '/readyz', '/healthz', `/${MARK}`]) {
    const response = await fetch(`http://${address}${path}`);
    const body = await response.text();
    expect(response.status).toBe(path.includes(MARK) ? 404 : 200);
    expect(body).not.toContain(MARK);
    if (path === '/metrics') {
      expect(body).toMatch(/usage_ledger_messages_total\{.*outcome="conflict"\} 1/);
      expect(body).toMatch(/usage_ledger_messages_total\{.*outcome="dead_letter"\} 4/);
    }
  }
  await expectNobodyListensElsewhere(Number(address.split(':')[1]));

  worker.process.kill('SIGTERM');
  const { code, stdout, stderr } = await worker.ended;
  expect(code).toBe(0);
  expect(stderr).toContain("account_id differs from the session's first; keeping the first");
  expect(stdout + stderr).not.toContain(MARK);
  const { rows } = await world.database.query('SELECT reason FROM dead_letter ORDER BY 1');
  expect(rows.map(({ reason }) => reason)).toEqual([
    'invalid_value',
    'not_avro_framed',
    'rejected_by_database',
    'unknown_schema',
  ]);
  expect(await breaks(world.database)).toEqual([]);
});

async function expectNobodyListensElsewhere(port: number): Promise<void> {
  const others = Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter(({ internal, family }) => !internal && family === 'IPv4');
  for (const { address } of others) {
    const socket = connect({ host: address, port });
    const answered = await once(socket, 'connect').then(
      () => true,
      () => false,
    );
    socket.destroy();
    expect({ address, answered }).toEqual({ address, answered: false });
  }
}
