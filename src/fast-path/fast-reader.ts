import type { Memory } from '../decode/memory.ts';
import { HEADER_BYTES } from '../decode/wire-format.ts';
import type { WriterType } from '../decode/writer-type.ts';
import { DISCRIMINATORS, PLACEHOLDERS, wordAt } from '../identify/identity.ts';
import { BILLED_FIELDS, type BillableMetric } from '../metrics/usage-of.ts';
import { eventTime } from '../validate/validate.ts';
import { type ColumnsWriter, IDENTITY_WORDS, kindOf, PLACE, PLACES } from './columns.ts';
import { hashOfForm, hashOfParts, MAX_MESSAGE_BYTES } from './form.ts';
import { endOfHead, type HeadField } from './head.ts';
import { LAYOUTS, type Layout, slotAt, type Words, wordsOf } from './layout.ts';
import { compile, type Program } from './program.ts';
import { readInto, slots } from './slots.ts';

/** What one branch of the writer's union is read with. */
interface Branch {
  readonly kind: number;
  readonly layout: Layout;
  readonly program: Program;
  readonly timestamp: number;
  /** `undefined`: it is not billed. */
  readonly billed: Billed | undefined;
}

interface Billed {
  /** -1: the metric has none. */
  readonly requestId: number;
  /** The slots of `usageValues`. */
  readonly values: readonly number[];
  /** The slots of what tells emissions under one id apart; `undefined`: nothing does. */
  readonly parts: readonly { slot: number; isText: boolean }[] | undefined;
  /** How the JSON of the identity begins, up to the request id. */
  readonly beginning: Words;
}

/**
 * Takes usual messages from their bytes to what is booked in one go, without an object for the
 * metric or its texts. What is usual: an envelope of plain fields, texts of ASCII, numbers that may
 * be billed. Whatever is not, it leaves to the careful reader, and so it never refuses a message: for
 * those that it takes both say the same, and a test compares them.
 */
export class FastReader {
  readonly #headFields: readonly HeadField[] | undefined;
  readonly #branches: readonly (Branch | undefined)[];

  /**
   * @param headFields `undefined`: there is no envelope
   * @param metrics the branches of the writer's union, or its only metric
   */
  constructor(headFields: readonly HeadField[] | undefined, metrics: readonly WriterType[]) {
    this.#headFields = headFields;
    this.#branches = metrics.map(branchOf);
  }

  /**
   * Reads the value from `start` up to `end`, its frame included, into the columns; when it is for
   * the careful reader, its kind stays `NOT_READ`. The head is not looked into.
   *
   * @param record tells its timestamp, in milliseconds since 1970
   */
  read(
    memory: Memory,
    start: number,
    end: number,
    record: { timestampAt(index: number): number },
    columns: ColumnsWriter,
    index: number,
  ): void {
    if (end - start > MAX_MESSAGE_BYTES) return;
    let metricAt = start + HEADER_BYTES;
    let headEnd = metricAt;
    let branch = this.#branches[0];
    if (this.#headFields !== undefined) {
      headEnd = endOfHead(memory, metricAt, end, this.#headFields);
      if (headEnd === -1 || headEnd >= end) return;
      // The union's index in one byte.
      const union = memory.bytes[headEnd] as number;
      branch = (union & 0x81) === 0 ? this.#branches[union >> 1] : undefined;
      metricAt = headEnd + 1;
    }
    if (branch === undefined) return;
    if (readInto(memory, metricAt, end, branch.program) !== end) return;
    if (branch.billed !== undefined) {
      if (!this.#readBilled(memory, start, branch.layout, branch.billed, columns, index)) return;
    }
    columns.places[index * PLACES + PLACE.headEnd] = headEnd - start;
    columns.eventUs[index] = eventTime(
      slots.numbers[branch.timestamp] as number,
      record.timestampAt(index),
    );
    columns.kinds[index] = branch.kind;
  }

  #readBilled(
    memory: Memory,
    start: number,
    layout: Layout,
    billed: Billed,
    columns: ColumnsWriter,
    index: number,
  ): boolean {
    const { numbers, starts, lengths } = slots;
    for (const slot of billed.values) if ((numbers[slot] as number) < 0) return false;
    const whole = hashOfForm(memory, layout);
    const parts = partsOf(memory, billed);
    if (parts === undefined) return false;

    const { identities, places } = columns;
    const hasParts = parts !== '';
    const identity = hasParts ? parts : whole;
    const fingerprintAt = hasParts ? 0 : 8;
    const word = index * IDENTITY_WORDS;
    identities[word] = wordAt(identity, 0);
    identities[word + 1] = wordAt(identity, 4);
    identities[word + 2] = wordAt(whole, fingerprintAt);
    identities[word + 3] = wordAt(whole, fingerprintAt + 4);
    const place = index * PLACES;
    const { metadataStart, metadataEnd } = slots;
    if (metadataStart !== -1) {
      places[place + PLACE.metadataStart] = metadataStart - start;
      places[place + PLACE.metadataEnd] = metadataEnd - start;
    }
    if (billed.requestId !== -1) {
      places[place + PLACE.requestId] = (starts[billed.requestId] as number) - start;
      places[place + PLACE.requestIdLength] = lengths[billed.requestId] as number;
    }
    columns.beginValues(index);
    for (const slot of billed.values) columns.value(numbers[slot] as number);
    return true;
  }
}

/** The hash of what identifies the metric; empty: the whole of it does; `undefined`: see `hashOfParts`. */
function partsOf(memory: Memory, { requestId, parts, beginning }: Billed): string | undefined {
  if (requestId === -1 || parts === undefined || isPlaceholder(memory, requestId)) return '';
  return hashOfParts(memory, beginning, requestId, parts);
}

/** Of the lengths that placeholders have: others need not be looked at. */
const PLACEHOLDER_LENGTHS = new Set([...PLACEHOLDERS].map(({ length }) => length));

function isPlaceholder({ bytes }: Memory, slot: number): boolean {
  const length = slots.lengths[slot] as number;
  if (!PLACEHOLDER_LENGTHS.has(length)) return false;
  const start = slots.starts[slot] as number;
  return PLACEHOLDERS.has(bytes.toString('latin1', start, start + length));
}

function branchOf(writer: WriterType): Branch | undefined {
  const layout = LAYOUTS.get(writer.name ?? '');
  if (layout === undefined) return undefined;
  const billed = billedOf(layout);
  const program = compile(writer, layout, billed !== undefined);
  if (program === undefined) return undefined;
  const kind = kindOf(layout.type);
  return { kind, layout, program, timestamp: slotAt(layout, 'timestamp'), billed };
}

function billedOf(layout: Layout): Billed | undefined {
  const type = layout.type as BillableMetric['type'];
  const fields: Record<string, string> | undefined = BILLED_FIELDS[type];
  if (fields === undefined) return undefined;
  const parts = DISCRIMINATORS[type]?.map((name) => ({
    slot: slotAt(layout, name),
    isText: layout.fields.get(name)?.kind === 'string',
  }));
  return {
    requestId: layout.fields.has('request_id') ? slotAt(layout, 'request_id') : -1,
    values: Object.values(fields).map((path) => slotAt(layout, path)),
    parts,
    beginning: wordsOf(Buffer.from(`["${type}",`, 'latin1')),
  };
}
