import { describe, expect, test } from 'vitest';
import type { SourceListener } from '../../../src/source/partition-source.ts';
import { HeldCalls } from '../../support/memory-source/held-calls.ts';
import { MemoryBroker } from '../../support/memory-source/memory-broker.ts';
import { MemorySource } from '../../support/memory-source/memory-source.ts';
import { LogTransaction } from '../../support/memory-source/partition-log.ts';
import { conformance, type SentMessage } from '../conformance.ts';

describe('MemorySource', () => {
  const broker = new MemoryBroker();
  let topics = 0;
  const append = (topic: string, messages: readonly SentMessage[], of?: LogTransaction) => {
    for (const { partition, ...sent } of messages) {
      broker.log({ topic, partition }).append([sent], of);
    }
  };
  conformance({
    async freshTopic(partitions) {
      topics += 1;
      const topic = `topic-${topics}`;
      broker.createTopic(topic, partitions);
      return topic;
    },
    create: (groupId, topic) => new MemorySource({ broker, groupId, topics: [topic] }),
    send: async (topic, messages) => append(topic, messages),
    async begin(topic) {
      const transaction = new LogTransaction();
      return {
        send: async (messages) => append(topic, messages, transaction),
        async end(how) {
          const state = how === 'commit' ? 'committed' : 'aborted';
          broker.log({ topic, partition: 0 }).end(transaction, state);
        },
      };
    },
  });
});

describe('what a real broker does only in bad moments, MemorySource does when the test says so', () => {
  const where = { topic: 'calls', partition: 0 };

  /** A partition of `count` records that has begun at 0, with what its listener saw. */
  async function begun(count: number) {
    const broker = new MemoryBroker();
    broker.createTopic('calls', 1);
    const log = broker.log(where);
    const calls = new HeldCalls();
    const source = new MemorySource({ broker, groupId: 'group', topics: ['calls'], calls });
    const seen: string[] = [];
    const listener: SourceListener = {
      assigned: () => seen.push('assigned'),
      revoked: () => seen.push('revoked'),
      fetched: ({ fromOffset, nextOffset }) => {
        seen.push(`${fromOffset}-${nextOffset}`);
        return undefined;
      },
      unreadable: () => {},
      missing: () => {},
    };
    await source.start(listener);
    await settled();
    calls.hold();
    source.seek(where, 0);
    source.resume(where);
    log.append(Array.from({ length: count }, () => ({ value: 'value' })));
    return { broker, log, calls, source, seen };
  }
  const settled = () => new Promise<void>((resolve) => setImmediate(resolve));

  test('a fetch waits until it is answered, and reads what is there then', async () => {
    const { calls, seen, log } = await begun(3);
    expect(calls.held.map(({ name }) => name)).toEqual(['source: fetch calls/0 0']);
    log.append([{ value: 'later' }]);
    calls.held[0]?.end('answered');
    await settled();
    expect(seen).toEqual(['assigned', '0-4']);
  });

  test('a fetch that is refused is asked for again', async () => {
    const { calls, seen } = await begun(3);
    calls.held[0]?.end('refused');
    await settled();
    calls.held[0]?.end('answered');
    await settled();
    expect(seen).toEqual(['assigned', '0-3']);
  });

  test('a fetch at offsets that retention deleted begins at the earliest one', async () => {
    const { calls, seen, log } = await begun(5);
    log.deleteBefore(2);
    calls.held[0]?.end('answered');
    await settled();
    expect(seen).toEqual(['assigned', '2-5']);
  });

  test('a fetch at offsets that the broker lost begins at the earliest one', async () => {
    const { calls, seen, log, source } = await begun(5);
    calls.held[0]?.end('answered');
    await settled();
    log.truncate(3);
    calls.release();
    source.seek(where, 5);
    await settled();
    expect(seen).toEqual(['assigned', '0-5', '0-3']);
  });

  test('a commit whose answer is lost has taken effect, and one that is refused has not', async () => {
    const { calls, source } = await begun(0);
    const commit = async (nextOffset: number, how: 'answer lost' | 'refused') => {
      const committing = source.commit([{ ...where, nextOffset, metadata: '' }]);
      calls.held[0]?.end(how);
      await expect(committing).rejects.toThrow('no answer: source: commit');
    };
    await commit(1, 'answer lost');
    await commit(2, 'refused');
    calls.release();
    expect((await source.committed('calls')).get(0)?.nextOffset).toBe(1);
  });

  test('a member that is not notified of an assignment keeps delivering, and cannot commit', async () => {
    const { broker, calls, source, seen } = await begun(3);
    const [fetch] = calls.held;
    broker.group('group').assign(new Map());
    fetch?.end('answered');
    await settled();
    expect(seen).toEqual(['assigned', '0-3']);
    const committing = source.commit([{ ...where, nextOffset: 3, metadata: '' }]);
    calls.release();
    await expect(committing).rejects.toThrow('not a member of this generation');
  });

  test('a topic that is recreated has another id and an empty log', async () => {
    const { broker, calls, source } = await begun(3);
    calls.release();
    const id = await source.topicId('calls');
    broker.createTopic('calls', 1);
    expect(await source.topicId('calls')).not.toBe(id);
    expect((await source.bounds('calls')).get(0)).toEqual({ earliest: 0, latest: 0 });
  });
});
