import { afterAll, beforeAll, expect, test } from 'vitest';
import { endOfBatch } from '../../src/source/kafka/record-batch.ts';
import { cli, startCli } from '../support/cli.ts';
import { type OwnService, ownService } from '../support/own-service.ts';
import { ANSWERS_READYZ, readyProblems } from '../support/ready.ts';
import { changeOnDisk } from '../support/segment-file.ts';
import { until } from '../support/until.ts';
import { breaks, calls, newWorld } from '../support/world.ts';

let kafka: OwnService;
beforeAll(async () => {
  kafka = await ownService('kafka');
});
afterAll(async () => {
  await kafka.stop();
});

test('a record batch that cannot be read halts only its partition, with its offsets, and is booked once restored', async () => {
  const world = await newWorld(2, kafka.urls);
  const all = await world.encode(calls.events.slice(0, 80));
  // Two batches in each partition.
  for (let i = 0; i < 80; i += 20) {
    const partition = i % 40 === 0 ? 0 : 1;
    await world.send(all.slice(i, i + 20).map((message) => ({ ...message, partition })));
  }
  const change = () =>
    changeOnDisk(kafka, world.topic, 1, (segment) => {
      const at = endOfBatch(segment, 0) + 100;
      segment[at] = (segment[at] as number) ^ 1;
    });
  change();

  const reason =
    `the record batch at offsets 20 to 39 cannot be read: its checksum is \\d+, ` +
    'stored is \\d+: the bytes have changed; restore the bytes and restart, or resume after it: usage-ledger position set ' +
    `--topic ${world.topic} --partition 1 --offset 40`;
  const ended = await cli(['run', '--until-caught-up'], world.env);
  expect(ended.stderr).toMatch(new RegExp(`partition 1, offset 20: ${reason}`));
  expect(ended.code).toBe(1);
  expect(await positions()).toEqual([40, 20]);

  const worker = startCli(['run'], { ...world.env, ...ANSWERS_READYZ });
  try {
    await until('/readyz names it', async () => {
      const problems = (await readyProblems(worker))?.join() ?? '';
      return new RegExp(`/1 is halted at offset 20: ${reason}`).test(problems);
    });
    await world.send(all.slice(0, 20).map((message) => ({ ...message, partition: 0 })));
    await until('the other partition is read', async () => (await positions())[0] === 60);
    expect(worker.log().match(/is halted at offset/g)).toHaveLength(1);
    expect(worker.log().match(/partitions assigned/g)).toHaveLength(1);
  } finally {
    worker.process.kill('SIGTERM');
  }
  expect((await worker.ended).code).toBe(0);

  change();
  expect(await cli(['run', '--until-caught-up'], world.env)).toMatchObject({ code: 0 });
  expect(await positions()).toEqual([60, 40]);
  expect(await breaks(world.database)).toEqual([]);
  await world.close();

  async function positions(): Promise<number[]> {
    const { rows } = await world.database.query<{ n: number }>(
      'SELECT next_offset::int AS n FROM consumer_position ORDER BY partition',
    );
    return rows.map(({ n }) => n);
  }
});
