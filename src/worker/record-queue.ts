import { BLOCK_BYTES } from '../records/packed-records.ts';
import type { RecordBlock } from '../records/record-block.ts';
import { schemaIdOf } from '../records/wire-format.ts';
import type { FetchedBatch } from '../source/partition-source.ts';

/** Records of one block, from `from` up to `to`, exclusive. */
export interface Piece {
  readonly block: RecordBlock;
  readonly from: number;
  readonly to: number;
}

/** A run of records without a gap between `fromOffset` and `nextOffset`. */
export interface Slice {
  readonly fromOffset: number;
  readonly nextOffset: number;
  readonly pieces: readonly Piece[];
  /** How many records they are. */
  readonly size: number;
  readonly bytes: number;
  /** Those of the records, and possibly of others in their blocks; at most MAX_SCHEMA_IDS. */
  readonly schemaIds: ReadonlySet<number>;
}

/** Most schema ids in one slice: with a slow registry, offsets advance between its answers. */
const MAX_SCHEMA_IDS = 256;

/** The records of a block that wait: from `at` up to `end`, exclusive. */
interface Segment {
  readonly block: RecordBlock;
  at: number;
  readonly end: number;
}

/** Records of one partition that were fetched and are not applied yet, in order and bounded. */
export class RecordQueue {
  readonly #segments: Segment[] = [];
  #from: number;
  #next: number;
  #size = 0;
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

  /** Whether nothing more is taken. */
  get isAtEnd(): boolean {
    return this.#next >= this.#until;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get size(): number {
    return this.#size;
  }

  /** Whether nothing waits, not even offsets without records. */
  get isEmpty(): boolean {
    return this.#next === this.#from;
  }

  /** Appends the records of `batch` after the end of the queue and before `until`. */
  push({ records: block, nextOffset }: FetchedBatch): void {
    let at = 0;
    let end = block.size;
    while (at < end && block.offsetAt(at) < this.#next) at += 1;
    while (end > at && block.offsetAt(end - 1) >= this.#until) end -= 1;
    if (at < end) {
      this.#segments.push({ block, at, end });
      this.#size += end - at;
      this.#bytes += BLOCK_BYTES;
      for (let i = at; i < end; i += 1) this.#bytes += block.bytesAt(i);
    }
    this.#next = Math.max(this.#next, Math.min(nextOffset, this.#until));
  }

  /**
   * Takes up to `maxRecords` records or `maxBytes` bytes, at least one record if there is any, and
   * no more schema ids than MAX_SCHEMA_IDS.
   */
  take(maxRecords: number, maxBytes: number): Slice {
    const fromOffset = this.#from;
    const pieces: Piece[] = [];
    let size = 0;
    const schemaIds = new Set<number>();
    let bytes = 0;
    for (let segment = this.#segments[0]; segment !== undefined; segment = this.#segments[0]) {
      const { block } = segment;
      const from = segment.at;
      // Counted by record only where the block could exceed the limit.
      const isDiverse = schemaIds.size + block.packed.schemaIds.size > MAX_SCHEMA_IDS;
      if (!isDiverse) for (const id of block.packed.schemaIds) schemaIds.add(id);
      while (segment.at < segment.end) {
        const more = block.bytesAt(segment.at);
        if (size > 0 && (size >= maxRecords || bytes + more > maxBytes)) break;
        if (isDiverse && !addSchemaId(schemaIds, block, segment.at)) break;
        segment.at += 1;
        size += 1;
        bytes += more;
      }
      if (segment.at > from) pieces.push({ block, from, to: segment.at });
      if (segment.at < segment.end) break;
      this.#segments.shift();
      bytes += BLOCK_BYTES;
    }
    // Up to the next record, so that offsets without one are applied with those before them.
    const [next] = this.#segments;
    this.#from = next === undefined ? this.#next : next.block.offsetAt(next.at);
    this.#size -= size;
    this.#bytes -= bytes;
    return { fromOffset, nextOffset: this.#from, pieces, size, bytes, schemaIds };
  }
}

/** @returns `false` when it would be one more than MAX_SCHEMA_IDS */
function addSchemaId(ids: Set<number>, block: RecordBlock, index: number): boolean {
  const start = block.valueStartAt(index);
  const end = start + Math.max(block.valueLengthAt(index), 0);
  const id = schemaIdOf(block.memory.bytes, start, end);
  if (id === undefined || ids.has(id)) return true;
  if (ids.size >= MAX_SCHEMA_IDS) return false;
  ids.add(id);
  return true;
}
