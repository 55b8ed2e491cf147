import type { ApplyResult } from '../../../src/ledger/ledger.ts';
import type { Database } from '../../../src/postgres/database.ts';
import type { Batch } from '../../../src/records/message.ts';
import { keyOf, type TopicPartition } from '../../../src/records/topic-partition.ts';
import type { HeldCalls } from '../../support/memory-source/held-calls.ts';

interface PositionRow extends TopicPartition {
  next_offset: number;
  pass: number;
  pass_first_offset: number;
  range_first_offset: number;
  generation: number;
  judged_from: number;
  halt_kind: string | null;
  halt_why: string | null;
  halted_at: number;
}

/** A row of the books: one batch, or offsets that a person gave up. */
export interface Range {
  readonly pass: number;
  readonly from: number;
  readonly to: number;
  readonly isLost: boolean;
}

type Values = readonly unknown[];

/**
 * Positions, generations and books of one group, as Postgres keeps them. A transaction takes effect
 * at once; its connection and the answer to its COMMIT can be held. One that outlives its client
 * keeps the lock of its position until it ends.
 */
export class ModelPostgres {
  readonly positions = new Map<string, PositionRow>();
  readonly books = new Map<string, Range[]>();
  /** Ranges of a pass that do not touch: offsets left out, or booked twice. */
  readonly gaps: string[] = [];
  /** Where each pass ended or stands, by partition and pass. */
  readonly highest = new Map<string, number>();
  readonly #generations: { generation: number; topic_id: string | null }[] = [];
  readonly #outliving = new Set<{ keys: readonly string[]; commit: () => void }>();
  readonly #hasFence: boolean;

  /** @param hasFence false: batches are booked wherever the position stands */
  constructor(hasFence: boolean) {
    this.#hasFence = hasFence;
  }

  /** The database as one client sees it. */
  client(name: string, calls: HeldCalls): Database {
    const query = async ({ name: statement, text, values = [] }: Query) => {
      if (statement !== undefined) return { command: '', rows: this.#answer(statement, values) };
      return calls.call(`${name}: ${text}`, () => ({ command: text, rows: [] }));
    };
    const connection = { query, release() {} };
    const connect = () => calls.call(`${name}: connect`, () => connection);
    return { connect, begin: async () => {}, noteError() {} } as unknown as Database;
  }

  /** A transaction whose client has given it up ends by `commit`, before anybody else's. */
  outlives(keys: readonly string[], commit: () => void): void {
    this.#outliving.add({ keys, commit });
  }

  isHeld(key: string): boolean {
    return [...this.#outliving].some(({ keys }) => keys.includes(key));
  }

  endOutliving(): void {
    for (const { keys } of this.#outliving) for (const key of keys) this.#lock(key);
  }

  /** What the ledger does with a batch: the fence, then the books and the position. */
  book(batch: Batch, check: () => void): ApplyResult {
    const key = keyOf(batch);
    const row = this.#lock(key);
    const position = row && { nextOffset: row.next_offset, pass: row.pass };
    if (row === undefined) return { status: 'moved', position };
    const isHere = row.next_offset === batch.fromOffset && row.pass === batch.pass;
    if (this.#hasFence && !isHere) return { status: 'moved', position };
    check();
    const { pass, fromOffset: from, nextOffset: to } = batch;
    this.#keep(key, { pass, from, to, isLost: false });
    this.#moveTo(row, to);
    const none = { applied: 0, duplicate: 0, ignored: 0, conflict: 0, dead_letter: 0 };
    const counts = { ...none, applied: batch.messages.length };
    return { status: 'applied', counts, otherAccounts: 0 };
  }

  #answer(statement: string, values: Values): object[] {
    switch (statement) {
      case 'read_positions':
        return [...this.positions.values()].map((row) => this.#stored(row));
      case 'read_generations':
        return this.#generations.toReversed();
      case 'add_generation': {
        const generation = Number(values[1]);
        this.#generations.push({ generation, topic_id: values[2] as string | null });
        return [{ generation }];
      }
      case 'begin_position':
        return this.#begin(values);
      case 'lock_position': {
        const row = this.#lock(keyIn(values, 1));
        return row === undefined ? [] : [row];
      }
      case 'begin_pass':
        return this.#beginPass(values);
      case 'skip_to': {
        const row = this.#lock(keyIn(values, 3));
        if (row === undefined) return [];
        this.#moveTo(row, Number(values[0]));
        row.halt_kind = null;
        return [];
      }
      case 'note_decision': {
        const [from, to] = [Number(values[4]), Number(values[5])];
        const range = { pass: Number(values[3]), from, to, isLost: true };
        this.#keep(keyIn(values, 1), range);
        return [range];
      }
      case 'read_earlier_end': {
        const earlier = [...(this.books.get(keyIn(values, 1)) ?? [])].filter(
          ({ pass, isLost }) => pass < Number(values[3]) && !isLost,
        );
        const ends = earlier.map(({ to }) => to);
        return [{ next_offset: ends.length === 0 ? null : String(Math.max(...ends)) }];
      }
      case 'note_halt':
        return this.#noteHalt(values);
      case 'advance_watermarks':
        return [];
      default:
        throw new Error(`the model does not know the statement ${statement}`);
    }
  }

  #begin([, topic, partition, offset, , , generation]: Values): object[] {
    const where = { topic: String(topic), partition: Number(partition) };
    if (this.positions.has(keyOf(where))) return [];
    const row: PositionRow = {
      ...where,
      next_offset: 0,
      pass: 0,
      pass_first_offset: Number(offset),
      range_first_offset: Number(offset),
      generation: Number(generation),
      judged_from: 0,
      halt_kind: null,
      halt_why: null,
      halted_at: 0,
    };
    this.positions.set(keyOf(where), row);
    this.#moveTo(row, Number(offset));
    return [];
  }

  #beginPass(values: Values): object[] {
    const row = this.#lock(keyIn(values, 6));
    if (row === undefined || row.pass !== values[8]) return [];
    row.pass += 1;
    row.pass_first_offset = Number(values[0]);
    row.generation = Number(values[3]);
    row.halt_kind = null;
    this.#moveTo(row, Number(values[0]));
    return [row];
  }

  #noteHalt([kind, why, , topic, partition, nextOffset, pass]: Values): object[] {
    const row = this.#lock(`${topic}/${partition}`);
    if (row === undefined || row.next_offset !== nextOffset || row.pass !== pass) return [];
    Object.assign(row, { halt_kind: kind, halt_why: why, halted_at: Date.now() });
    return [row];
  }

  #stored(row: PositionRow): object {
    const { topic_id } = this.#generations.find((one) => one.generation === row.generation) ?? {};
    return {
      ...row,
      topic_id,
      halted_ms: row.halt_kind === null ? null : String(Date.now() - row.halted_at),
    };
  }

  /** Waits for whoever holds the position. */
  #lock(key: string): PositionRow | undefined {
    for (const one of [...this.#outliving].filter(({ keys }) => keys.includes(key))) {
      if (this.#outliving.delete(one)) one.commit();
    }
    return this.positions.get(key);
  }

  #keep(key: string, range: Range): void {
    const ranges = this.books.get(key) ?? [];
    const before = ranges.findLast(({ pass }) => pass === range.pass);
    if (before !== undefined && before.to !== range.from) {
      this.gaps.push(`${key}: after ${shown(before)} comes ${shown(range)}`);
    }
    this.books.set(key, [...ranges, range]);
  }

  #moveTo(row: PositionRow, nextOffset: number): void {
    row.next_offset = nextOffset;
    this.highest.set(`${keyOf(row)} pass=${row.pass}`, nextOffset);
  }
}

interface Query {
  readonly name?: string;
  readonly text: string;
  readonly values?: Values;
}

function keyIn(values: Values, topicAt: number): string {
  return `${values[topicAt]}/${values[topicAt + 1]}`;
}

function shown({ from, to, pass }: Range): string {
  return `${from} to ${to} of pass ${pass}`;
}
