/*
 * kafkajs: what a fetch brought of a partition is a `Batch` of messages; it leaves out those of aborted
 * transactions and control records, and says to which offset the partition was read.
 * Not good enough: entries here are whole record batches (see `decode-messages.ts`). Of several
 * transactions that were aborted at once, messages would come through. And a fetch of which nothing is
 * left does not reach `eachBatch`, so that the worker would not know how far it was read.
 * Replaced: `batch.js`, by a class with what the runner of kafkajs calls.
 */
import type { Unreadable } from '../unreadable.ts';
import { type AbortedTransaction, withoutAborted } from './aborted-transactions.ts';
import { type FetchedEntry, lastOffsetOf, type ReadableEntry } from './fetched-entry.ts';
import type { Patch } from './patch.ts';

/** What an answer says of one partition. */
interface PartitionAnswer {
  readonly partition: number;
  readonly highWatermark: string;
  readonly messages: readonly FetchedEntry[];
  readonly abortedTransactions?: readonly AbortedTransaction[];
}

export class FetchedPartition {
  readonly topic: string;
  readonly partition: number;
  readonly highWatermark: string;
  /** The offset that was asked for. */
  readonly fetchedOffset: number;
  /** What is to be delivered. kafkajs takes its length, for its events. */
  readonly messages: readonly ReadableEntry[];
  /** Why nothing could be read. */
  readonly unreadable: Unreadable | undefined;
  readonly #isEmpty: boolean;
  readonly #lastOffset: number;

  constructor(topic: string, fetchedOffset: string, answer: PartitionAnswer) {
    const { partition, highWatermark, messages, abortedTransactions } = answer;
    this.topic = topic;
    this.partition = partition;
    this.highWatermark = highWatermark;
    this.fetchedOffset = Number(fetchedOffset);
    const [first] = messages;
    this.unreadable = first !== undefined && 'unreadable' in first ? first.unreadable : undefined;
    const readable = messages.filter(isReadable);
    // A fetch begins with a whole batch, so that some of it may lie before what was asked for.
    const fetched = readable.filter((entry) => lastOffsetOf(entry) >= this.fetchedOffset);
    this.messages = withoutAborted(fetched, abortedTransactions ?? []);
    this.#isEmpty = messages.length === 0;
    this.#lastOffset = this.#lastOffsetOf(readable, fetched);
  }

  /** Whether there is nothing to say of this fetch, not even how far it was read. */
  isEmpty(): boolean {
    return this.#isEmpty;
  }

  /** kafkajs would keep such a fetch from `eachBatch`. */
  isEmptyDueToFiltering(): boolean {
    return false;
  }

  firstOffset(): string {
    return String(this.fetchedOffset);
  }

  /** The offset to which the partition was read; kafkajs fetches from the next one on. */
  lastOffset(): string {
    return String(this.#lastOffset);
  }

  offsetLag(): string {
    return String(Number(this.highWatermark) - 1 - this.#lastOffset);
  }

  offsetLagLow(): string {
    return String(Number(this.highWatermark) - 1 - this.fetchedOffset);
  }

  #lastOffsetOf(readable: readonly ReadableEntry[], fetched: readonly ReadableEntry[]): number {
    const last = fetched.at(-1);
    if (last !== undefined) return lastOffsetOf(last);
    // Compacted away in an old format: kafkajs, too, moves on by one then.
    return readable.length > 0 ? this.fetchedOffset : this.fetchedOffset - 1;
  }
}

function isReadable(entry: FetchedEntry): entry is ReadableEntry {
  return !('unreadable' in entry);
}

export const fetchedPartition: Patch = {
  file: 'consumer/batch.js',
  replace: () => FetchedPartition,
};
