import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { NO_USAGE } from '../../src/livekit/usage-columns.ts';
import type { EventInput } from '../../src/produce/encoder.ts';
import { type ExplainedDifference, reconcile } from '../../src/reconcile/reconcile.ts';
import { simulateEvents } from '../../src/simulate/simulate-events.ts';
import { stt } from '../identify/samples.ts';
import { cli } from '../support/cli.ts';
import { breaks, newWorld, type World } from '../support/world.ts';

const SESSIONS = 20;
const metadata = { model_provider: 'deepgram', model_name: 'nova-fake' };
const usage = { ...NO_USAGE, type: 'stt_usage', provider: 'deepgram', model: 'nova-fake' };

let world: World;
beforeAll(async () => {
  world = await newWorld(2);
});
afterAll(async () => {
  await world.close();
});

/** Seven events of an eighth of a second each, and the report of all of them. */
function call(session_id: string): EventInput[] {
  const transcribed = Array.from({ length: 7 }, (_, i) =>
    stt({
      audio_duration: 0.125,
      input_tokens: 0,
      output_tokens: 0,
      timestamp: 1_795_000_000 + i,
      metadata,
    }),
  );
  const report = {
    type: 'session_usage_report',
    timestamp: 1_795_000_010,
    model_usage: [{ ...usage, audio_duration: 0.875 }],
  };
  return [...transcribed, report].map((metric) => ({ session_id, metric }));
}

async function apply(messages: Parameters<World['send']>[0]) {
  await world.send(messages);
  return (await world.run()).counts;
}

async function differences(sessionId: string): Promise<ExplainedDifference[]> {
  const found: ExplainedDifference[] = [];
  const result = await reconcile(world.database, sessionId);
  for await (const difference of result.differences) found.push(difference);
  return found;
}

test('reconcile agrees with simulated calls, doubled events and reports included', async () => {
  const events = [...simulateEvents({ sessions: SESSIONS, seed: 5 })];
  const messages = await world.encode(events);
  const again = messages.filter((_, i) => i % 3 === 0 || i > messages.length - 20);
  const counts = await apply([...messages, ...again]);

  expect(counts).toMatchObject({ conflict: 0, dead_letter: 0 });
  const { code, stdout } = await cli(['reconcile'], world.env);
  expect({ code, stdout }).toEqual({
    code: 0,
    stdout: `all ${SESSIONS} sessions with a report agree with it\n`,
  });
});

test('reconcile finds the call that lost one event between agent and Kafka, as docs/reconciliation.md shows', async () => {
  const [, ...rest] = await world.encode(call('call-1'));
  await apply([...rest, ...(await world.encode(call('call-2')))]);

  const { code, stdout, stderr } = await cli(['reconcile'], world.env);
  expect(code).toBe(1);
  const page = readFileSync(new URL('../../docs/reconciliation.md', import.meta.url), 'utf8');
  expect(/```text\n(.*?)```/s.exec(page)?.[1]).toBe(stdout);
  expect(stderr).toMatch(/^usage-ledger: 1 session of \d+ with a report differs from it; docs/);
});

test('reconcile --json is JSON alone, with the numbers as exact decimals', async () => {
  const { code, stdout } = await cli(['reconcile', '--json', '--session', 'call-1'], world.env);
  expect({ code, result: JSON.parse(stdout) }).toEqual({
    code: 1,
    result: {
      sessions_compared: 1,
      sessions_without_report: 0,
      differences: [
        {
          session_id: 'call-1',
          usage_type: 'stt_usage',
          provider: 'deepgram',
          model: 'nova-fake',
          dimension: 'audio_duration',
          reported: '0.875',
          recorded: '0.75',
          difference: '-0.125',
          reasons: ['not_recorded'],
        },
      ],
      sessions_that_differ: 1,
      ok: false,
    },
  });
  expect(await differences('call-2')).toEqual([]);
});

test('a session that did not report its usage cannot be reconciled', async () => {
  const { code, stderr } = await cli(['reconcile', '--session', 'nobody'], world.env);
  expect({ code, stderr }).toEqual({
    code: 1,
    stderr: 'usage-ledger: session nobody has not reported its usage\n',
  });
});

test('an event that became a dead letter is named as the reason; sent again, all agree', async () => {
  const [first, ...rest] = await world.encode(call('call-3'));
  // A schema that no registry has.
  const value = Buffer.from(first?.value ?? Buffer.alloc(0));
  value.writeUInt32BE(0x7fff_fff0, 1);
  await apply([{ key: 'call-3', value }, ...rest]);

  expect(await differences('call-3')).toMatchObject([{ reasons: ['dead_letter'] }]);

  await apply(await world.encode([...call('call-3'), ...call('call-1')]));
  expect([...(await differences('call-1')), ...(await differences('call-3'))]).toEqual([]);
  expect(await breaks(world.database)).toEqual([]);
});
