import { ByteMemo } from '../../bytes/byte-memo.ts';
import type { ByteView } from '../../bytes/byte-view.ts';
import { identityPlan, wordAt } from '../../identify/identity.ts';
import { isWeakIdAt } from '../../identify/weak-id.ts';
import { measuredFieldsOf } from '../../livekit/measured-fields.ts';
import { BILLED_FIELDS, type BillableMetric } from '../../livekit/usage-of.ts';
import {
  type ColumnsWriter,
  IDENTITY_WORDS,
  kindOf,
  type Numbered,
  PLACE,
  PLACES,
} from '../../records/columns.ts';
import { HEADER_BYTES } from '../../records/wire-format.ts';
import { eventTime } from '../../validate/validate.ts';
import type { WriterType } from '../avro/writer-type.ts';
import { hashOfForm, MAX_MESSAGE_BYTES } from './form.ts';
import { endOfHead, type HeadField } from './head.ts';
import { type FormStep, formOf, type Layout, layoutFor, registerAt } from './layout.ts';
import { HEADS, MODELS } from './names.ts';
import { compile, type Program } from './program.ts';
import { DECLINED } from './read-field.ts';
import { Registers } from './registers.ts';

/** How one branch of the writer's union is read. */
interface Branch {
  readonly kind: number;
  readonly layout: Layout;
  readonly program: Program;
  /** Those of the metric of this branch that was read last. */
  readonly registers: Registers;
  readonly timestamp: number;
  /** `undefined`: it is not billed. */
  readonly billed: Billed | undefined;
  /** The registers of `measuredValues`. */
  readonly measured: readonly number[];
}

interface Billed {
  /** -1: the metric has none. */
  readonly requestId: number;
  readonly metadata: number;
  /** The registers of `usageValues`. */
  readonly values: readonly number[];
  /** How what identifies an emission is written; `undefined`: the fingerprint does. */
  readonly identityForm: readonly FormStep[] | undefined;
}

/**
 * Reads records of one writer's schema into columns: decoded, validated and identified in one pass
 * over their bytes, without an object for the metric or its texts. Only a record that is surely valid
 * is read: an envelope of the fields that we know, texts in ASCII, numbers that may be billed. All
 * others are declined, so that no record becomes a dead letter here.
 */
export class ColumnReader {
  readonly #headFields: readonly HeadField[] | undefined;
  readonly #branches: readonly (Branch | undefined)[];
  readonly #heads = new ByteMemo<Numbered>(unnumbered, HEADS);
  readonly #models = new ByteMemo<Numbered>(unnumbered, MODELS);

  /**
   * @param headFields `undefined`: there is no envelope
   * @param metrics the branches of the writer's union, or its only metric
   */
  constructor(headFields: readonly HeadField[] | undefined, metrics: readonly WriterType[]) {
    this.#headFields = headFields;
    this.#branches = metrics.map(branchOf);
  }

  /**
   * Reads the value from `start` up to `end`, header included, into the columns; when it is declined,
   * its kind stays `NOT_READ`. Of the head only the end is found.
   *
   * @param record gives its timestamp, in milliseconds since 1970
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
      if (headEnd === DECLINED || headEnd >= end) return;
      // The index of a branch, when it is in one byte.
      const union = memory.bytes[headEnd] as number;
      branch = (union & 0x81) === 0 ? this.#branches[union >> 1] : undefined;
      metricAt = headEnd + 1;
    }
    if (branch === undefined) return;
    const { registers, billed, measured } = branch;
    if (branch.program.read(memory, metricAt, end, registers) !== end) return;
    if (billed !== undefined && !writeBilled(memory, start, branch, billed, columns, index)) return;
    if (billed === undefined && measured.length > 0) columns.beginValues(index);
    for (const register of measured) columns.value(registers.numbers[register] as number);
    columns.places[index * PLACES + PLACE.headEnd] = headEnd - start;
    if (this.#headFields !== undefined) {
      const head = this.#heads.get(memory, start + HEADER_BYTES, headEnd);
      columns.heads[index] = columns.numberOf(head);
    }
    if (billed !== undefined) {
      const metadata = registers.starts[billed.metadata] as number;
      const length = registers.lengths[billed.metadata] as number;
      if (length !== -1) {
        const model = this.#models.get(memory, metadata, metadata + length);
        columns.models[index] = columns.numberOf(model);
      }
    }
    columns.eventUs[index] = eventTime(
      registers.numbers[branch.timestamp] as number,
      record.timestampAt(index),
    );
    columns.kinds[index] = branch.kind;
  }
}

function unnumbered(): Numbered {
  return { block: -1, number: 0 };
}

/** @returns false: the record is declined */
function writeBilled(
  memory: ByteView,
  start: number,
  { registers, layout }: Branch,
  billed: Billed,
  columns: ColumnsWriter,
  index: number,
): boolean {
  const { numbers, starts, lengths } = registers;
  for (const register of billed.values) if ((numbers[register] as number) < 0) return false;
  const { formStart, form } = layout;
  const { identityForm, requestId } = billed;
  const whole = hashOfForm(memory, registers, formStart, form);
  const hasId = identityForm !== undefined && !hasWeakId(memory, registers, requestId);
  const identity = hasId ? hashOfForm(memory, registers, formStart, identityForm) : whole;
  const fingerprintAt = hasId ? 0 : 8;
  const { identities, places } = columns;
  const word = index * IDENTITY_WORDS;
  identities[word] = wordAt(identity, 0);
  identities[word + 1] = wordAt(identity, 4);
  identities[word + 2] = wordAt(whole, fingerprintAt);
  identities[word + 3] = wordAt(whole, fingerprintAt + 4);
  const place = index * PLACES;
  const metadataLength = lengths[billed.metadata] as number;
  if (metadataLength !== -1) {
    const metadataStart = (starts[billed.metadata] as number) - start;
    places[place + PLACE.metadataStart] = metadataStart;
    places[place + PLACE.metadataEnd] = metadataStart + metadataLength;
  }
  if (billed.requestId !== -1) {
    places[place + PLACE.requestId] = (starts[billed.requestId] as number) - start;
    places[place + PLACE.requestIdLength] = lengths[billed.requestId] as number;
  }
  columns.beginValues(index);
  for (const register of billed.values) columns.value(numbers[register] as number);
  return true;
}

function hasWeakId({ bytes }: ByteView, { starts, lengths }: Registers, register: number): boolean {
  const start = starts[register] as number;
  return isWeakIdAt(bytes, start, start + (lengths[register] as number));
}

function branchOf(writer: WriterType): Branch | undefined {
  const layout = layoutFor(writer);
  if (layout === undefined) return undefined;
  const billed = billedOf(layout);
  const fields = measuredFieldsOf(layout.type);
  const program = compile(writer, layout, billed !== undefined || fields);
  if (program === undefined) return undefined;
  const kind = kindOf(layout.type);
  const registers = new Registers(layout.registers);
  const timestamp = registerAt(layout, 'timestamp');
  const measured = fields.map((name) => registerAt(layout, name));
  return { kind, layout, program, registers, timestamp, billed, measured };
}

function billedOf(layout: Layout): Billed | undefined {
  const type = layout.type as BillableMetric['type'];
  const fields: Record<string, string> | undefined = BILLED_FIELDS[type];
  if (fields === undefined) return undefined;
  const plan = identityPlan(type);
  return {
    requestId: layout.fields.has('request_id') ? registerAt(layout, 'request_id') : -1,
    metadata: registerAt(layout, 'metadata'),
    values: Object.values(fields).map((path) => registerAt(layout, path)),
    identityForm: plan && formOf(plan, layout.fields),
  };
}
