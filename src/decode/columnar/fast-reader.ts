import type { ByteView } from '../../bytes/byte-view.ts';
import { identityPlan, PLACEHOLDERS, wordAt } from '../../identify/identity.ts';
import { BILLED_FIELDS, type BillableMetric } from '../../livekit/usage-of.ts';
import {
  type ColumnsWriter,
  IDENTITY_WORDS,
  kindOf,
  PLACE,
  PLACES,
} from '../../records/columns.ts';
import { HEADER_BYTES } from '../../records/wire-format.ts';
import { eventTime } from '../../validate/validate.ts';
import type { WriterType } from '../avro/writer-type.ts';
import { hashOfForm, MAX_MESSAGE_BYTES } from './form.ts';
import { endOfHead, type HeadField } from './head.ts';
import { type FormStep, formOf, LAYOUTS, type Layout, registerAt } from './layout.ts';
import { compile, type Program } from './program.ts';
import { readInto, registers } from './registers.ts';

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
  /** The registers of `usageValues`. */
  readonly values: readonly number[];
  /** How what identifies an emission is written; `undefined`: the fingerprint does. */
  readonly identityForm: readonly FormStep[] | undefined;
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
    memory: ByteView,
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
      registers.numbers[branch.timestamp] as number,
      record.timestampAt(index),
    );
    columns.kinds[index] = branch.kind;
  }

  #readBilled(
    memory: ByteView,
    start: number,
    layout: Layout,
    billed: Billed,
    columns: ColumnsWriter,
    index: number,
  ): boolean {
    const { numbers, starts, lengths } = registers;
    for (const register of billed.values) if ((numbers[register] as number) < 0) return false;
    const { formStart, form } = layout;
    const { identityForm, requestId } = billed;
    const whole = hashOfForm(memory, formStart, form);
    const hasId = identityForm !== undefined && !isPlaceholder(memory, requestId);
    const identity = hasId ? hashOfForm(memory, formStart, identityForm) : whole;
    const fingerprintAt = hasId ? 0 : 8;
    const { identities, places } = columns;
    const word = index * IDENTITY_WORDS;
    identities[word] = wordAt(identity, 0);
    identities[word + 1] = wordAt(identity, 4);
    identities[word + 2] = wordAt(whole, fingerprintAt);
    identities[word + 3] = wordAt(whole, fingerprintAt + 4);
    const place = index * PLACES;
    const { metadataStart, metadataEnd } = registers;
    if (metadataStart !== -1) {
      places[place + PLACE.metadataStart] = metadataStart - start;
      places[place + PLACE.metadataEnd] = metadataEnd - start;
    }
    if (requestId !== -1) {
      places[place + PLACE.requestId] = (starts[requestId] as number) - start;
      places[place + PLACE.requestIdLength] = lengths[requestId] as number;
    }
    columns.beginValues(index);
    for (const register of billed.values) columns.value(numbers[register] as number);
    return true;
  }
}

/** Of the lengths that placeholders have: others need not be looked at. */
const PLACEHOLDER_LENGTHS = new Set([...PLACEHOLDERS].map(({ length }) => length));

function isPlaceholder({ bytes }: ByteView, register: number): boolean {
  const length = registers.lengths[register] as number;
  if (!PLACEHOLDER_LENGTHS.has(length)) return false;
  const start = registers.starts[register] as number;
  return PLACEHOLDERS.has(bytes.toString('latin1', start, start + length));
}

function branchOf(writer: WriterType): Branch | undefined {
  const layout = LAYOUTS.get(writer.name ?? '');
  if (layout === undefined) return undefined;
  const billed = billedOf(layout);
  const program = compile(writer, layout, billed !== undefined);
  if (program === undefined) return undefined;
  const kind = kindOf(layout.type);
  return { kind, layout, program, timestamp: registerAt(layout, 'timestamp'), billed };
}

function billedOf(layout: Layout): Billed | undefined {
  const type = layout.type as BillableMetric['type'];
  const fields: Record<string, string> | undefined = BILLED_FIELDS[type];
  if (fields === undefined) return undefined;
  const plan = identityPlan(type);
  return {
    requestId: layout.fields.has('request_id') ? registerAt(layout, 'request_id') : -1,
    values: Object.values(fields).map((path) => registerAt(layout, path)),
    identityForm: plan && formOf(plan, layout.fields),
  };
}
