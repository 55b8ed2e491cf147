import { expect, test } from 'vitest';
import {
  type GroupClass,
  joinedBeforeFetching,
  leaveWhileJoining,
} from '../../../../src/source/kafka/kafkajs/consumer-group.ts';

/** What a member uses of one. */
class Coordinator {
  readonly connectionPool = { pool: ['busy', 'free'] };
  left: object | undefined;
  lookupRequest(_api: number, _definition: unknown): (fields: { memberId: string }) => unknown {
    return (fields) => fields;
  }
  async leaveGroup(member: object): Promise<void> {
    this.left = { ...member, by: this.connectionPool.pool[0] };
  }
}

test('a member that is joining can leave, and does not ask to join again', async () => {
  const coordinator = new Coordinator();
  let end = () => {};
  class Group {
    groupId = 'group';
    cluster = { findGroupCoordinator: async () => coordinator };
    async joinAndSync(): Promise<void> {
      const found = await this.cluster.findGroupCoordinator();
      // Brokers give it an id first.
      for (const memberId of ['', 'member-1']) found.lookupRequest(11, {})({ memberId });
      await new Promise<void>((resolve) => {
        end = resolve;
      });
    }
    async fetch(): Promise<void> {}
  }
  const member = new (joinedBeforeFetching(Group as unknown as GroupClass))();
  const join = member.joinAndSync();
  // Its id is known one turn later.
  await Promise.resolve();
  await Promise.resolve();
  await Promise.resolve();
  await leaveWhileJoining();
  expect(coordinator.left).toEqual({ groupId: 'group', memberId: 'member-1', by: 'free' });
  expect(() => coordinator.lookupRequest(11, {})({ memberId: '' })).toThrow('has left');
  end();
  await join;
  coordinator.left = undefined;
  await leaveWhileJoining();
  expect(coordinator.left).toBeUndefined();
});

test('a member whose join failed joins before it fetches, once for all its brokers', async () => {
  const done: string[] = [];
  let isLoading = false;
  class Group {
    groupId = 'group';
    cluster = { findGroupCoordinator: async () => new Coordinator() };
    async joinAndSync(): Promise<void> {
      done.push('join');
      if (isLoading) throw new Error('the coordinator is loading');
    }
    async fetch(nodeId: number): Promise<void> {
      done.push(`fetch ${nodeId}`);
    }
  }
  const member = new (joinedBeforeFetching(Group as unknown as GroupClass))();
  await member.joinAndSync();
  await member.fetch(1);
  isLoading = true;
  await expect(member.joinAndSync()).rejects.toThrow('loading');
  await expect(member.fetch(1)).rejects.toThrow('loading');
  isLoading = false;
  await Promise.all([member.fetch(1), member.fetch(2)]);
  expect(done).toEqual(['join', 'fetch 1', 'join', 'join', 'join', 'fetch 1', 'fetch 2']);
});
