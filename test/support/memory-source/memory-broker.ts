import { randomUUID } from 'node:crypto';
import { keyOf, type TopicPartition } from '../../../src/records/topic-partition.ts';
import type { CommittedOffset, CommittedPosition } from '../../../src/source/partition-source.ts';
import { PartitionLog } from './partition-log.ts';

/** A member of a group, as the broker sees it. */
export interface Member {
  readonly topics: readonly string[];
  /** The group begins to share its partitions out again. */
  rebalance(generation: number, share: readonly TopicPartition[]): void;
}

interface Topic {
  id: string;
  partitions: PartitionLog[];
}

/** Topics, and the groups that read them. */
export class MemoryBroker {
  readonly #topics = new Map<string, Topic>();
  readonly #groups = new Map<string, MemoryGroup>();
  readonly #readers = new Set<() => void>();

  /** A topic of that name that exists already is deleted. */
  createTopic(topic: string, partitions: number): void {
    const appended = () => {
      for (const reader of this.#readers) reader();
    };
    const logs = Array.from({ length: partitions }, () => new PartitionLog(appended));
    this.#topics.set(topic, { id: randomUUID(), partitions: logs });
  }

  /**
   * Calls `reader` whenever there may be more to read.
   *
   * @returns what ends that
   */
  watch(reader: () => void): () => void {
    this.#readers.add(reader);
    return () => this.#readers.delete(reader);
  }

  /** @throws when the topic does not exist */
  topic(topic: string): Readonly<Topic> {
    const found = this.#topics.get(topic);
    if (found === undefined) throw new Error(`no topic ${topic}`);
    return found;
  }

  log({ topic, partition }: TopicPartition): PartitionLog {
    const log = this.topic(topic).partitions[partition];
    if (log === undefined) throw new Error(`no partition ${keyOf({ topic, partition })}`);
    return log;
  }

  group(groupId: string): MemoryGroup {
    let group = this.#groups.get(groupId);
    if (group === undefined) {
      group = new MemoryGroup(this);
      this.#groups.set(groupId, group);
    }
    return group;
  }
}

/** The coordinator's side of a group. */
export class MemoryGroup {
  readonly #broker: MemoryBroker;
  readonly #members = new Set<Member>();
  readonly committed = new Map<string, CommittedOffset>();
  /** Set to share partitions out only by `assign`. */
  isAssignedByCommand = false;
  #generation = 0;

  constructor(broker: MemoryBroker) {
    this.#broker = broker;
  }

  join(member: Member): void {
    this.#members.add(member);
    if (!this.isAssignedByCommand) this.#shareOut();
  }

  leave(member: Member): void {
    if (this.#members.delete(member) && !this.isAssignedByCommand) this.#shareOut();
  }

  /** Members that `shares` does not name get nothing. */
  assign(shares: ReadonlyMap<Member, readonly TopicPartition[]>): void {
    this.#generation += 1;
    for (const member of this.#members) {
      member.rebalance(this.#generation, shares.get(member) ?? []);
    }
  }

  /** @throws when the group has been shared out again since */
  commit(generation: number | undefined, positions: readonly CommittedPosition[]): void {
    if (generation !== this.#generation) throw new Error('not a member of this generation');
    for (const { nextOffset, metadata, ...where } of positions) {
      this.committed.set(keyOf(where), { nextOffset, metadata });
    }
  }

  #shareOut(): void {
    const members = [...this.#members];
    const shares = new Map<Member, TopicPartition[]>(members.map((member) => [member, []]));
    const topics = new Set(members.flatMap((member) => member.topics));
    let turn = 0;
    for (const topic of topics) {
      for (const partition of this.#broker.topic(topic).partitions.keys()) {
        const member = members[turn++ % members.length];
        if (member !== undefined) shares.get(member)?.push({ topic, partition });
      }
    }
    this.assign(shares);
  }
}
