import { packRecords, RecordBlock } from '../../src/records/record-block.ts';
import type { PartitionBounds } from '../../src/records/topic-partition.ts';
import type { PartitionSource, SourceListener } from '../../src/source/partition-source.ts';

/**
 * One partition of tombstones, of a broker whose answers the test decides: real brokers say such
 * things for a moment, if at all.
 */
export class ScriptedSource implements PartitionSource {
  readonly topic: string;
  /** What the broker says, and what it has. */
  boundsNow: () => PartitionBounds;
  id: string | undefined = '00000000-0000-4000-8000-00000000000a';
  end: number;
  /** Offsets at which fetches began. */
  readonly sought: number[] = [];
  /** Where a fetch begins that was asked for an offset. */
  fetchesAt: (offset: number) => number = (offset) => offset;
  #listener: SourceListener | undefined;
  #next: number | undefined;

  constructor(topic: string, end: number) {
    this.topic = topic;
    this.end = end;
    this.boundsNow = () => ({ earliest: 0, latest: this.end });
  }

  async start(listener: SourceListener): Promise<void> {
    this.#listener = listener;
    this.assign();
  }
  /** As after a rebalance. */
  assign(): void {
    this.#listener?.assigned([{ topic: this.topic, partition: 0 }]);
  }
  async stop(): Promise<void> {
    this.#listener = undefined;
  }
  seek(_: unknown, offset: number): void {
    this.#next = offset;
    this.sought.push(offset);
  }
  pause(): void {
    this.#next = undefined;
  }
  resume(): void {
    setImmediate(() => this.#deliver());
  }
  async commit(): Promise<void> {}
  registerSchema(): void {}
  async committed(): ReturnType<PartitionSource['committed']> {
    return new Map();
  }
  async bounds(): Promise<Map<number, PartitionBounds>> {
    return new Map([[0, this.boundsNow()]]);
  }
  async topicId(): Promise<string | undefined> {
    return this.id;
  }

  #deliver(): void {
    if (this.#next === undefined || this.#next >= this.end) return;
    const fromOffset = this.fetchesAt(this.#next);
    this.#next = undefined;
    const records = Array.from({ length: this.end - fromOffset }, (_, i) => ({
      offset: fromOffset + i,
      timestamp: 0,
      key: null,
      value: null,
    }));
    void this.#listener?.fetched({
      topic: this.topic,
      partition: 0,
      fromOffset,
      nextOffset: this.end,
      records: new RecordBlock(packRecords(records)),
      endOffset: this.end,
    });
  }
}
