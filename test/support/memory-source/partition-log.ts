import type { Headers } from '../../../src/records/packed-records.ts';
import { packRecords, RecordBlock } from '../../../src/records/record-block.ts';
import type { PartitionBounds } from '../../../src/records/topic-partition.ts';

/** What a producer sends. */
export interface Sent {
  readonly key?: string | null;
  readonly value: Buffer | string | null;
  readonly headers?: Headers;
}

interface Entry {
  readonly offset: number;
  /** `undefined`: a control record. */
  readonly sent: Sent | undefined;
  readonly transaction: LogTransaction | undefined;
}

/** Records of one producer that become visible together or not at all. */
export class LogTransaction {
  state: 'open' | 'committed' | 'aborted' = 'open';
}

/** What one fetch reads. */
export interface ReadRecords {
  readonly fromOffset: number;
  readonly nextOffset: number;
  readonly endOffset: number;
  readonly records: RecordBlock;
}

const TIMESTAMP = 1_760_000_000_000;

/** The records of a partition, as a broker keeps them; read as `read_committed`. */
export class PartitionLog {
  #earliest = 0;
  #entries: Entry[] = [];
  readonly #appended: () => void;

  /** @param appended called whenever there may be more to read */
  constructor(appended: () => void) {
    this.#appended = appended;
  }

  get bounds(): PartitionBounds {
    return { earliest: this.#earliest, latest: this.#earliest + this.#entries.length };
  }

  /** @returns the offset of the first one */
  append(records: readonly Sent[], transaction?: LogTransaction): number {
    const { latest } = this.bounds;
    for (const [i, sent] of records.entries()) {
      this.#entries.push({ offset: latest + i, sent, transaction });
    }
    this.#appended();
    return latest;
  }

  /** Ends a transaction with a control record. */
  end(transaction: LogTransaction, state: 'committed' | 'aborted'): void {
    transaction.state = state;
    this.#entries.push({ offset: this.bounds.latest, sent: undefined, transaction });
    this.#appended();
  }

  /** Deletes what is before `offset`, as retention does. */
  deleteBefore(offset: number): void {
    const { earliest, latest } = this.bounds;
    const to = Math.min(Math.max(offset, earliest), latest);
    this.#entries.splice(0, to - earliest);
    this.#earliest = to;
  }

  /** Loses what is from `offset` on, as a broker that recovers without its last writes. */
  truncate(offset: number): void {
    this.#entries.splice(Math.max(offset - this.#earliest, 0));
  }

  /** Whether a fetch at `offset` has anything to deliver. */
  isReadable(offset: number): boolean {
    return this.#startOf(offset) < this.#stableEnd();
  }

  /**
   * Reads up to `max` entries. A fetch at an offset that does not exist begins at the earliest one,
   * as Kafka's clients do by themselves.
   */
  read(offset: number, max: number): ReadRecords {
    const fromOffset = this.#startOf(offset);
    const nextOffset = Math.min(fromOffset + max, this.#stableEnd());
    const at = fromOffset - this.#earliest;
    const visible = this.#entries
      .slice(at, nextOffset - this.#earliest)
      .filter(({ sent, transaction }) => sent !== undefined && transaction?.state !== 'aborted');
    const records = visible.map(({ offset, sent }) => ({
      offset,
      timestamp: TIMESTAMP,
      key: bytes(sent?.key),
      value: bytes(sent?.value),
      headers: sent?.headers,
    }));
    const block = new RecordBlock(packRecords(records));
    return { fromOffset, nextOffset, endOffset: this.bounds.latest, records: block };
  }

  #startOf(offset: number): number {
    const { earliest, latest } = this.bounds;
    return offset < earliest || offset > latest ? earliest : offset;
  }

  /** The offset before which every transaction has ended. */
  #stableEnd(): number {
    const open = this.#entries.find(({ transaction }) => transaction?.state === 'open');
    return open?.offset ?? this.bounds.latest;
  }
}

function bytes(text: Buffer | string | null | undefined): Buffer | null {
  return text == null ? null : Buffer.from(text);
}
