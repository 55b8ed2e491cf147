import type { TopicPartition } from '../../../src/records/topic-partition.ts';
import { HeldCalls } from './held-calls.ts';
import { MemoryBroker } from './memory-broker.ts';
import { MemorySource } from './memory-source.ts';

/** The topic `calls` with one partition of tombstones, and a source that is to read it. */
export function onePartition(records: number) {
  const where: TopicPartition = { topic: 'calls', partition: 0 };
  const broker = new MemoryBroker();
  const calls = new HeldCalls();
  const source = new MemorySource({ broker, groupId: 'group', topics: [where.topic], calls });
  /** Offsets at which fetches began. */
  const sought: number[] = [];
  const seek = source.seek.bind(source);
  source.seek = (at, offset) => {
    sought.push(offset);
    seek(at, offset);
  };
  const append = (count: number) =>
    broker.log(where).append(Array.from({ length: count }, () => ({ value: null })));
  const create = (count: number) => {
    broker.createTopic(where.topic, 1);
    append(count);
  };
  create(records);
  return {
    source,
    sought,
    calls,
    append,
    /** Deletes the topic and creates another one of its name. */
    recreate: create,
    log: () => broker.log(where),
    topicId: () => broker.topic(where.topic).id,
    /** As after a rebalance. */
    assign: (share: readonly TopicPartition[] = [where]) =>
      broker.group('group').assign(new Map([[source, share]])),
  };
}
