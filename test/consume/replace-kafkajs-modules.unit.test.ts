import { createRequire } from 'node:module';
import { beforeAll, expect, test } from 'vitest';
import { sleepUntilWoken } from '../../src/consume/interruptible-sleep.ts';
import type { ConnectionClass } from '../../src/consume/kafkajs-answers.ts';
import { joinedBeforeFetching } from '../../src/consume/kafkajs-membership.ts';
import { replaceKafkajsModules } from '../../src/consume/replace-kafkajs-modules.ts';

const require = createRequire(import.meta.url);
const module = <T>(path: string) => require(`kafkajs/src/${path}`) as T;

beforeAll(() => {
  replaceKafkajsModules();
});

test('kafkajs sleeps until it is woken', () => {
  expect(module('utils/sleep.js')).toBe(sleepUntilWoken);
});

test('kafkajs takes answers that come whole as they lie', () => {
  const Connection = module<ConnectionClass>('network/connection.js');
  const payloads: Buffer[] = [];
  const connection = {
    chunks: [],
    bytesBuffered: 0,
    bytesNeeded: 4,
    requestQueue: {
      fulfillRequest: ({ payload }: { payload: Buffer }) => payloads.push(payload),
    },
  };
  // Its length, the number of the request, what is answered; in memory of its own.
  const answer = Buffer.alloc(10);
  answer.set([0, 0, 0, 6, 0, 0, 0, 1, 42, 43]);
  for (let i = 0; i < 3; i += 1) Connection.prototype.processData.call(connection, answer);
  expect(payloads).toHaveLength(3);
  for (const payload of payloads) {
    expect(payload).toEqual(Buffer.from([42, 43]));
    expect(payload.buffer).toBe(answer.buffer);
  }
  // In pieces they are still put together.
  Connection.prototype.processData.call(connection, answer.subarray(0, 7));
  Connection.prototype.processData.call(connection, answer.subarray(7));
  expect(payloads[3]).toEqual(Buffer.from([42, 43]));
});

test('a member whose join failed joins before it fetches, once for all its brokers', async () => {
  const done: string[] = [];
  let isLoading = false;
  class Group {
    async joinAndSync(): Promise<void> {
      done.push('join');
      if (isLoading) throw new Error('the coordinator is loading');
    }
    async fetch(nodeId: number): Promise<void> {
      done.push(`fetch ${nodeId}`);
    }
  }
  const member = new (joinedBeforeFetching(Group))();
  await member.joinAndSync();
  await member.fetch(1);
  isLoading = true;
  await expect(member.joinAndSync()).rejects.toThrow('loading');
  await expect(member.fetch(1)).rejects.toThrow('loading');
  isLoading = false;
  await Promise.all([member.fetch(1), member.fetch(2)]);
  expect(done).toEqual(['join', 'fetch 1', 'join', 'join', 'join', 'fetch 1', 'fetch 2']);
});
