import { keyOf, type TopicPartition } from '../../../src/records/topic-partition.ts';
import type { MemoryBroker } from '../../support/memory-source/memory-broker.ts';
import type { ModelPostgres } from './postgres.ts';
import type { ModelTopic } from './topic.ts';

interface World {
  readonly broker: MemoryBroker;
  readonly postgres: ModelPostgres;
  readonly topic: ModelTopic;
}

/** What is wrong at any moment: a copy of a position that is ahead of the position. */
export function wrongCopies({ broker, postgres, topic }: World): string[] {
  return topic.partitions.flatMap((where) => {
    const copy = broker.group('group').committed.get(keyOf(where));
    if (copy?.nextOffset === undefined || copy.metadata === '') return [];
    const pass = copy.metadata.replace('usage-ledger ', '');
    const position = postgres.highest.get(`${keyOf(where)} ${pass}`) ?? -1;
    return copy.nextOffset > position
      ? [`${keyOf(where)}: committed ${copy.nextOffset}, ${pass}; the position is ${position}`]
      : [];
  });
}

/** What has still to be done: every partition is read to its end, and the copy of it is current. */
export function unfinished({ broker, postgres, topic }: World): string[] {
  return topic.partitions.flatMap((where) => {
    const key = keyOf(where);
    const { latest } = broker.log(where).bounds;
    const position = postgres.positions.get(key);
    const copy = broker.group('group').committed.get(key);
    // What a person set is looked at with the next assignment.
    const isCopied = copy?.nextOffset === latest || copy?.metadata === '';
    if (position?.next_offset === latest && isCopied) return [];
    const found = `position ${position?.next_offset}, committed ${copy?.nextOffset}`;
    return [`${key}: ${found}, the partition ends at ${latest}`];
  });
}

/** Records that nobody read, although the group began before them and nobody gave them up. */
export function unread({ postgres, topic }: World): string[] {
  return topic.partitions.flatMap((where) => {
    const ranges = postgres.books.get(keyOf(where)) ?? [];
    const end = postgres.positions.get(keyOf(where))?.next_offset ?? 0;
    const isRead = (offset: number) => ranges.some(({ from, to }) => from <= offset && offset < to);
    return topic
      .visible(where, firstOf(postgres, where), end)
      .filter((offset) => !isRead(offset))
      .map((offset) => `${keyOf(where)}: nobody read offset ${offset}`);
  });
}

function firstOf(postgres: ModelPostgres, where: TopicPartition): number {
  const [first] = postgres.books.get(keyOf(where)) ?? [];
  return first?.from ?? Number.POSITIVE_INFINITY;
}
