import type { PackedRecord } from '../consume/record-block.ts';
import type { Memory } from '../decode/memory.ts';
import type { SchemaEntry } from '../decode/schema-cache.ts';
import type { WriterType } from '../decode/writer-type.ts';
import { DISCRIMINATORS, PLACEHOLDERS, wordAt } from '../identify/identity.ts';
import type { BillableMessage, IgnoredMessage } from '../ledger/message.ts';
import { BILLED_FIELDS, type BillableMetric } from '../metrics/usage-of.ts';
import { eventTime } from '../validate/validate.ts';
import { ByteMemo } from './byte-memo.ts';
import { hashOfForm, hashOfParts, MAX_MESSAGE_BYTES } from './form.ts';
import { endOfHead, type Head, type HeadField, headFieldsOf, readHead } from './head.ts';
import { LAYOUTS, type Layout, slotAt, type Words, wordsOf } from './layout.ts';
import { compile, type Program } from './program.ts';
import { readInto, slots } from './slots.ts';

/** What one branch of the writer's union is read with. */
interface Branch {
  readonly layout: Layout;
  readonly program: Program;
  readonly timestamp: number;
  /** `undefined`: it is not billed. */
  readonly billed: Billed | undefined;
}

interface Billed {
  readonly type: BillableMetric['type'];
  /** -1: the metric has none. */
  readonly requestId: number;
  /** The slots of `usageValues`. */
  readonly values: readonly number[];
  /** The slots of what tells emissions under one id apart; `undefined`: nothing does. */
  readonly parts: readonly { slot: number; isText: boolean }[] | undefined;
  /** How the JSON of the identity begins, up to the request id. */
  readonly beginning: Words;
  /** Provider and model, by the bytes of the metadata. */
  readonly models: ByteMemo<Model>;
}

interface Model {
  readonly provider: string;
  readonly model: string;
}

const NO_MODEL: Model = { provider: '', model: '' };
const ENVELOPE = 'usage_ledger.AgentMetricsEvent';
/** Of the lengths that placeholders have: others need not be looked up. */
const PLACEHOLDER_LENGTHS = new Set([...PLACEHOLDERS].map(({ length }) => length));
/** For each writer's schema: a few hundred bytes for each live session. */
const HEADS = { maxEntries: 8_192, maxBytes: 1_048_576 };
const MODELS = { maxEntries: 1_024, maxBytes: 131_072 };

/**
 * Takes a usual message from its bytes to what is booked in one go, without an object for the metric
 * or its texts. What is usual: an envelope of plain fields, texts of ASCII, numbers that may be billed.
 * Whatever is not, it leaves to the careful reader, and so it never refuses a message: for those that
 * it takes both say the same, and a test compares them.
 */
export class FastReader {
  readonly #headFields: readonly HeadField[];
  readonly #branches: readonly (Branch | undefined)[];
  readonly #heads: ByteMemo<Head | null>;

  private constructor(headFields: readonly HeadField[], branches: readonly (Branch | undefined)[]) {
    this.#headFields = headFields;
    this.#branches = branches;
    this.#heads = new ByteMemo((memory, start) => readHead(memory, start, headFields), HEADS);
  }

  /** `undefined`: no message of this writer is usual. */
  static of(writer: WriterType): FastReader | undefined {
    if (writer.name !== ENVELOPE) return undefined;
    const fields = writer.fields ?? [];
    const metric = fields.at(-1);
    const headFields = headFieldsOf(fields.slice(0, -1));
    if (metric?.name !== 'metric' || headFields === undefined) return undefined;
    return new FastReader(headFields, (metric.type.types ?? []).map(branchOf));
  }

  /** `undefined`: the message is for the careful reader. */
  read(
    record: PackedRecord,
    start: number,
    end: number,
    schemaId: number,
  ): BillableMessage | IgnoredMessage | undefined {
    if (end - start > MAX_MESSAGE_BYTES) return undefined;
    const { memory } = record;
    const metricAt = endOfHead(memory, start, end, this.#headFields);
    if (metricAt === -1 || metricAt >= end) return undefined;
    // The union's index in one byte.
    const index = memory.bytes[metricAt] as number;
    const branch = (index & 0x81) === 0 ? this.#branches[index >> 1] : undefined;
    if (branch === undefined) return undefined;
    if (readInto(memory, metricAt + 1, end, branch.program) !== end) return undefined;
    const head = this.#heads.get(memory, start, metricAt);
    if (head === null) return undefined;
    const { sessionId, accountId, attributes } = head;
    const eventUs = eventTime(slots.numbers[branch.timestamp] as number, record.timestamp);
    const { billed } = branch;
    if (billed === undefined) {
      return { kind: 'ignored', record, session: { sessionId, accountId, attributes, eventUs } };
    }
    const values = valuesOf(billed.values);
    if (values === undefined) return undefined;
    const whole = hashOfForm(memory, branch.layout);
    const requestId = requestIdOf(memory, billed.requestId);
    let parts = '';
    if (requestId !== null && billed.parts !== undefined && !isPlaceholder(requestId)) {
      const hash = hashOfParts(memory, billed.beginning, billed.requestId, billed.parts);
      if (hash === undefined) return undefined;
      parts = hash;
    }
    const { metadataStart, metadataEnd } = slots;
    const { provider, model } =
      metadataStart === -1 ? NO_MODEL : billed.models.get(memory, metadataStart, metadataEnd);
    const hasParts = parts !== '';
    const identity = hasParts ? parts : whole;
    const fingerprintAt = hasParts ? 0 : 8;
    return {
      kind: 'billable',
      record,
      schemaId,
      sessionId,
      accountId,
      attributes,
      eventUs,
      metricType: billed.type,
      provider,
      model,
      requestId,
      values,
      identityHigh: wordAt(identity, 0),
      identityLow: wordAt(identity, 4),
      fingerprintHigh: wordAt(whole, fingerprintAt),
      fingerprintLow: wordAt(whole, fingerprintAt + 4),
    };
  }
}

const readers = new WeakMap<SchemaEntry, FastReader | 'none'>();

/** The fast reader of a schema, made when it is first asked for. */
export function fastReaderOf(entry: SchemaEntry): FastReader | undefined {
  let reader = readers.get(entry);
  if (reader === undefined) {
    reader = (entry.reader && FastReader.of(entry.writer)) ?? 'none';
    readers.set(entry, reader);
  }
  return reader === 'none' ? undefined : reader;
}

function branchOf(writer: WriterType): Branch | undefined {
  const layout = LAYOUTS.get(writer.name ?? '');
  if (layout === undefined) return undefined;
  const billed = billedOf(layout);
  const program = compile(writer, layout, billed !== undefined);
  if (program === undefined) return undefined;
  return { layout, program, timestamp: slotAt(layout, 'timestamp'), billed };
}

function billedOf(layout: Layout): Billed | undefined {
  const type = layout.type as BillableMetric['type'];
  const fields: Record<string, string> | undefined = BILLED_FIELDS[type];
  if (fields === undefined) return undefined;
  const parts = DISCRIMINATORS[type]?.map((name) => ({
    slot: slotAt(layout, name),
    isText: layout.fields.get(name)?.kind === 'string',
  }));
  const provider = slotAt(layout, 'metadata.model_provider');
  const model = slotAt(layout, 'metadata.model_name');
  return {
    type,
    requestId: layout.fields.has('request_id') ? slotAt(layout, 'request_id') : -1,
    values: Object.values(fields).map((path) => slotAt(layout, path)),
    parts,
    beginning: wordsOf(Buffer.from(`["${type}",`, 'latin1')),
    models: new ByteMemo(
      (memory) => ({ provider: textIn(memory, provider), model: textIn(memory, model) }),
      MODELS,
    ),
  };
}

/** The text of a slot; null becomes empty. */
function textIn({ bytes }: Memory, slot: number): string {
  const start = slots.starts[slot] as number;
  return bytes.toString('latin1', start, start + Math.max(slots.lengths[slot] as number, 0));
}

function requestIdOf(memory: Memory, slot: number): string | null {
  return slot === -1 ? null : textIn(memory, slot);
}

function isPlaceholder(requestId: string): boolean {
  return PLACEHOLDER_LENGTHS.has(requestId.length) && PLACEHOLDERS.has(requestId);
}

/** `undefined`: one is negative. All are doubles from the beginning: a list that changes its kind is copied, and costs twice. */
function valuesOf(places: readonly number[]): number[] | undefined {
  const { numbers } = slots;
  const values = places.length === 3 ? [0.5, 0.5, 0.5] : places.map(() => 0.5);
  for (let i = 0; i < places.length; i += 1) {
    const value = numbers[places[i] as number] as number;
    if (value < 0) return undefined;
    values[i] = value;
  }
  return values;
}
