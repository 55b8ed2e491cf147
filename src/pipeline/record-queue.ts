import type { FetchedBatch } from '../consume/partition-source.ts';
import type { ConsumedRecord } from '../decode/consumed-record.ts';

/** About what a record takes in memory beside its bytes. */
const RECORD_BYTES = 500;

/** A run of records without a gap between `fromOffset` and `nextOffset`. */
export interface Slice {
  readonly fromOffset: number;
  readonly nextOffset: number;
  readonly records: readonly ConsumedRecord[];
  readonly bytes: number;
}

/** Records of one partition that were fetched and are not applied yet, in order and bounded. */
export class RecordQueue {
  #records: ConsumedRecord[] = [];
  #from: number;
  #next: number;
  #bytes = 0;
  readonly #until: number;

  /**
   * @param fromOffset where the first record is expected
   * @param until records from this offset on are not taken
   */
  constructor(fromOffset: number, until = Number.POSITIVE_INFINITY) {
    this.#from = fromOffset;
    this.#next = fromOffset;
    this.#until = until;
  }

  /** The offset that the next batch must have been asked for. */
  get nextOffset(): number {
    return this.#next;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get size(): number {
    return this.#records.length;
  }

  /** Whether there is anything to book, be it offsets without records. */
  get isEmpty(): boolean {
    return this.#next === this.#from;
  }

  /** Appends what of `batch` lies behind the end of the queue. */
  push(batch: FetchedBatch): void {
    for (const record of batch.records) {
      if (record.offset < this.#next || record.offset >= this.#until) continue;
      this.#records.push(record);
      this.#bytes += bytesOf(record);
    }
    this.#next = Math.max(this.#next, Math.min(batch.nextOffset, this.#until));
  }

  /** Takes up to `maxRecords` records or `maxBytes` bytes, at least one record if there is any. */
  take(maxRecords: number, maxBytes: number): Slice {
    let count = 0;
    let bytes = 0;
    for (const record of this.#records) {
      const more = bytesOf(record);
      if (count > 0 && (count >= maxRecords || bytes + more > maxBytes)) break;
      count += 1;
      bytes += more;
    }
    const fromOffset = this.#from;
    const records = this.#records.splice(0, count);
    // Up to the next record, so that offsets without one are booked with those before them.
    this.#from = this.#records[0]?.offset ?? this.#next;
    this.#bytes -= bytes;
    return { fromOffset, nextOffset: this.#from, records, bytes };
  }
}

function bytesOf({ key, value }: ConsumedRecord): number {
  return (value?.length ?? 0) + (key?.length ?? 0) + RECORD_BYTES;
}
