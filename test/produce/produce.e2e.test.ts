import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createLogger } from '../../src/config/logger.ts';
import { topicBounds, withAdmin } from '../../src/kafka/admin.ts';
import { createKafka } from '../../src/kafka/client.ts';
import { cli } from '../support/cli.ts';
import { freshTopic } from '../support/stack.ts';
import { calls, laterCalls, newWorld, type World } from '../support/world.ts';

let world: World;
let folder: string;
beforeAll(async () => {
  world = await newWorld(1);
  folder = await mkdtemp(join(tmpdir(), 'usage-ledger-test-'));
});
afterAll(async () => {
  await world.close();
  await rm(folder, { recursive: true });
});

interface Line {
  session_id: string;
  account_id?: string | null;
  attributes?: Record<string, string>;
  metric: Record<string, unknown>;
}
const lineOf = (type: string) =>
  structuredClone(calls.events.find(({ metric }) => metric.type === type)) as unknown as Line;
const llm = lineOf('llm_metrics');
const json = (change: (line: Line) => void, line = structuredClone(llm)) => {
  change(line);
  return JSON.stringify(line);
};
const good = JSON.stringify(llm);

async function produce(content: string | Buffer, topic = world.topic) {
  const file = join(folder, 'events.jsonl');
  await writeFile(file, content);
  return cli(['produce', '--file', file, '--topic', topic], world.env);
}

const countOf = (topic: string) =>
  withAdmin(createKafka(world.settings, createLogger('fatal')), async (admin) => {
    const [bounds] = (await topicBounds(admin, topic)).values();
    return bounds?.latest;
  });

// Each was sent, and became a dead letter, or was billed under another name.
describe('produce refuses an invalid event with its line and field', () => {
  const nested = (change: (line: Line) => void) => json(change, lineOf('realtime_model_metrics'));
  test.each<[string, string | Buffer, RegExp]>([
    ['no session', json((line) => (line.session_id = '')), /session_id is empty/],
    [
      'a negative count',
      json((line) => (line.metric['prompt_tokens'] = -1)),
      /prompt_tokens is -1; expected 0 to 2\^53-1/,
    ],
    [
      'a count beyond what is exact',
      json((line) => (line.metric['completion_tokens'] = 2 ** 53)),
      /completion_tokens/,
    ],
    [
      'a negative count in a record of a record',
      nested((line) => {
        const details = line.metric['input_token_details'] as Record<string, number>;
        details['audio_tokens'] = -5;
      }),
      /input_token_details\.audio_tokens is -5/,
    ],
    [
      'a number beyond all numbers',
      good.replace(/"timestamp":[^,]+/, '"timestamp":1e999'),
      /metric\.timestamp is Infinity/,
    ],
    ['NaN', good.replace(/"timestamp":[^,]+/, '"timestamp":NaN'), /not JSON/],
    [
      'a fraction of a token',
      json((line) => (line.metric['prompt_tokens'] = 1.5)),
      /prompt_tokens/,
    ],
    [
      'an unknown type',
      json((line) => (line.metric['type'] = 'cpu_metrics')),
      /"cpu_metrics" is unknown/,
    ],
    [
      'an endless name',
      json((line) => (line.session_id = 'x'.repeat(2_000))),
      /session_id has 2000/,
    ],
    ['U+0000', json((line) => (line.account_id = 'a\0b')), /account_id holds U\+0000/],
    [
      'half a surrogate pair',
      json((line) => (line.session_id = 'a\ud800')),
      /session_id is not well/,
    ],
    [
      'half a surrogate pair in a name',
      json((line) => (line.attributes = { 'a\udc00': 'b' })),
      /the name .* is not well-formed/,
    ],
    [
      'bytes that are not UTF-8',
      Buffer.from(good.replace(llm.session_id, 'caf\xe9'), 'latin1'),
      /not UTF-8/,
    ],
  ])('%s', async (_, wrong, message) => {
    const before = await countOf(world.topic);
    const content = Buffer.concat(
      [`${good}\n\n`, wrong, `\n${good}\n`].map((part) => Buffer.from(part)),
    );

    const { code, stderr } = await produce(content);

    expect(stderr).toMatch(message);
    expect(stderr).toMatch(/events\.jsonl, line 3: .*; the 1 events before it were sent\n$/);
    expect(code).toBe(2);
    expect(await countOf(world.topic)).toBe((before ?? 0) + 1);
  });
});

test('the lines of 1.5 and of 1.8 are sent as they are', async () => {
  const lines = [calls, laterCalls].flatMap(({ events }) => {
    const types = new Set(events.map(({ metric }) => metric.type));
    return [...types].map((type) => events.find(({ metric }) => metric.type === type));
  });
  expect(await produce(lines.map((line) => JSON.stringify(line)).join('\n'))).toMatchObject({
    code: 0,
    stderr: '',
    stdout: expect.stringMatching(new RegExp(`^${lines.length} events sent`)),
  });
});

test('fields of a later version are named once, and the rest is sent', async () => {
  const later = json((line) => {
    line.metric['video_tokens'] = 5;
    line.metric['metadata'] = { model_name: 'm', model_provider: 'p', region: 'eu' };
  });
  const { code, stdout, stderr } = await produce(`${good}\n${later}\n${later}\n`);
  expect({ code, stderr }).toEqual({
    code: 0,
    stderr: expect.stringMatching(
      /^warning: .*events\.jsonl, line 2: not sent, .*: metric\.metadata\.region, metric\.video_tokens\n$/,
    ),
  });
  expect(stdout).toMatch(/^3 events sent/);
});

test('a byte order mark and CRLF line ends are ignored', async () => {
  const content = `\uFEFF${good}\r\n${good}\r\n`;
  expect(await produce(content)).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^2 events sent/),
  });
});

// 2,000 of them were one batch, which no broker takes: it ended in "a bug".
test("many large events are sent in batches within the broker's limit", async () => {
  const large = json((line) => (line.metric['label'] = 'x'.repeat(100_000)));
  const { code, stdout, stderr } = await produce(`${large}\n`.repeat(30));
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toMatch(/^30 events sent/);
});

describe('an event above max.message.bytes is named', () => {
  const large = (bytes: number) => json((line) => (line.metric['label'] = 'x'.repeat(bytes)));

  test('when it is larger than a batch', async () => {
    const { code, stderr } = await produce(`${good}\n${large(1_100_000)}\n${good}\n`);
    expect(stderr).toMatch(
      /line 2: 1100\d+ bytes are more than topic .* takes \(max\.message\.bytes\)/,
    );
    expect(stderr).toMatch(/the 1 events before it were sent/);
    expect(code).toBe(2);
  });

  test('when it is one of many in a batch, on a topic with a low limit', async () => {
    const topic = await freshTopic(1);
    await withAdmin(createKafka(world.settings, createLogger('fatal')), (admin) =>
      admin.alterConfigs({
        validateOnly: false,
        resources: [
          { type: 2, name: topic, configEntries: [{ name: 'max.message.bytes', value: '5000' }] },
        ],
      }),
    );
    const lines = new Array(100).fill(good);
    lines[70] = large(6_000);
    const { code, stderr } = await produce(lines.join('\n'), topic);
    expect(stderr).toMatch(/line 71: .*; the 70 events before it were sent/);
    expect(code).toBe(2);
    expect(await countOf(topic)).toBe(70);
  });
});
