import type { ByteView } from '../../bytes/byte-view.ts';
import type { WriterType } from '../avro/writer-type.ts';
import type { Field } from './layout.ts';
import {
  NOT_KEPT,
  type ReadField,
  readBoolean,
  readDouble,
  readFields,
  readFloat,
  readLong,
  readNullable,
  readRecord,
  readText,
} from './read-field.ts';
import type { Registers } from './registers.ts';

/**
 * How the metrics of one writer's schema are read, field by field, into registers.
 *
 * Avro binary is the values of the writer's fields, one after another, in the writer's order and
 * without names. So the schema is compiled once into a list of functions, one for each field of the
 * writer, and a metric is read by calling them in turn, each at the place where the one before it
 * ended. The registers are numbered in the order of our own schema (`layout.ts`), so that what reads
 * them does not depend on the writer. For example, with our record
 *
 *     Turn { at: double, cancelled: boolean = false, id: string, origin: null | Origin }
 *     Origin { model: null | string }
 *
 * the layout is `at` 0, `cancelled` 1, `id` 2, `origin` 3, `origin.model` 4. An older writer that does
 * not have `cancelled`, and has a `region` that we do not know, compiles to the program on the left.
 * On the right is what it leaves in the registers, for the bytes
 *
 *     00 00 00 00 00 00 f8 3f | 04 'e' 'u' | 06 't' '-' '1' | 02 02 02 'm'
 *
 *     step                          reads bytes  leaves
 *     default of cancelled                       numbers[1] = 0
 *     readDouble(0)                 0 to 8       numbers[0] = 1.5
 *     readText(NOT_KEPT)            8 to 11      nothing
 *     readText(2)                   11 to 15     starts[2] = 12, lengths[2] = 3
 *     readNullable(readRecord(3))   15 to 19     numbers[3] = 1, starts[3] = 16, lengths[3] = 3
 *       readNullable(readText(4))   16 to 19     starts[4] = 18, lengths[4] = 1
 *
 * A test runs this example. What has no place in it (a type without a step, a text that is not
 * ASCII, a number that may not be billed) is declined, and left to the reference decoder.
 */
export class Program {
  readonly #read: ReadField;
  readonly #defaults: readonly Default[];

  constructor(read: ReadField, defaults: readonly Default[]) {
    this.#read = read;
    this.#defaults = defaults;
  }

  /**
   * Reads the metric that begins at `start`.
   *
   * @returns where it ends, or `DECLINED`
   */
  read(memory: ByteView, start: number, end: number, into: Registers): number {
    into.clear();
    for (const { register, value } of this.#defaults) {
      if (value === '') into.lengths[register] = 0;
      else into.numbers[register] = value;
    }
    return this.#read(memory, start, end, into);
  }
}

/** The value of a field that the writer does not have. */
interface Default {
  readonly register: number;
  readonly value: number | '';
}

/** Thrown while compiling: this writer is for the reference decoder. */
class NotCompilable extends Error {}

/**
 * Compiles a writer's record, resolved to ours.
 *
 * @param keeps true: all values are kept; else `timestamp` and these fields
 * @returns `undefined`: all its messages are for the reference decoder
 */
export function compile(
  writer: WriterType,
  ours: Pick<Field, 'recordName' | 'fields'>,
  keeps: true | readonly string[],
): Program | undefined {
  const compiler = new Compiler(keeps);
  try {
    return new Program(compiler.record(writer, ours), compiler.defaults);
  } catch (error) {
    if (error instanceof NotCompilable) return undefined;
    throw error;
  }
}

class Compiler {
  readonly defaults: Default[] = [];
  readonly #keeps: true | readonly string[];

  constructor(keeps: true | readonly string[]) {
    this.#keeps = keeps;
  }

  record(writer: WriterType, { recordName, fields: ours }: Pick<Field, 'recordName' | 'fields'>) {
    if (writer.typeName !== 'record' || writer.name !== recordName) throw new NotCompilable();
    const given = new Set<string>();
    const reads = (writer.fields ?? []).map(({ name, type }) => {
      given.add(name);
      return this.#field(name, type, ours.get(name));
    });
    for (const [name, field] of ours) if (!given.has(name)) this.#default(field);
    return readFields(reads);
  }

  #field(name: string, type: WriterType, field: Field | undefined): ReadField {
    if (field?.kind === 'record') return this.#recordField(type, field);
    const isKept = this.#keeps === true || name === 'timestamp' || this.#keeps.includes(name);
    const register = field !== undefined && isKept ? field.register : NOT_KEPT;
    return type.typeName === 'union'
      ? nullable(type, field, register)
      : scalar(type, field, register);
  }

  #recordField(type: WriterType, field: Field): ReadField {
    if (!field.isOptional) return readRecord(field.register, this.record(type, field));
    const [none, record, ...more] = type.types ?? [];
    if (none?.typeName !== 'null' || record === undefined || more.length > 0) {
      throw new NotCompilable();
    }
    return readNullable(true, readRecord(field.register, this.record(record, field)));
  }

  #default({ register, kind, fallback }: Field): void {
    // The reference decoder reports it: a writer must have a field that has no default.
    if (fallback === undefined) throw new NotCompilable();
    // A cleared register is null, or 0.
    if (fallback === null || this.#keeps !== true) return;
    if (kind === 'string' && fallback === '') this.defaults.push({ register, value: '' });
    else if (kind === 'boolean') this.defaults.push({ register, value: Number(fallback === true) });
    else if (typeof fallback === 'number') this.defaults.push({ register, value: fallback });
    else throw new NotCompilable();
  }
}

function scalar({ typeName }: WriterType, field: Field | undefined, register: number): ReadField {
  if (field !== undefined && !READ_AS[field.kind].includes(typeName)) throw new NotCompilable();
  const stepOf = STEPS[typeName];
  if (stepOf === undefined) throw new NotCompilable();
  return stepOf(register);
}

/** Null and a scalar, in either order. */
function nullable({ types = [] }: WriterType, field: Field | undefined, register: number) {
  const none = types.findIndex(({ typeName }) => typeName === 'null');
  const some = types[1 - none];
  if (types.length !== 2 || some === undefined) throw new NotCompilable();
  if (field !== undefined && !field.isOptional) throw new NotCompilable();
  // A register cannot hold a number and null.
  if (register !== NOT_KEPT && some.typeName !== 'string') throw new NotCompilable();
  return readNullable(none === 0, scalar(some, field, register));
}

/** The writer's types that are read as each of ours. */
const READ_AS: Record<Field['kind'], readonly string[]> = {
  double: ['double', 'float', 'long', 'int'],
  long: ['long', 'int'],
  boolean: ['boolean'],
  string: ['string'],
  record: [],
};

const STEPS: Record<string, (register: number) => ReadField> = {
  double: readDouble,
  float: readFloat,
  long: readLong,
  int: readLong,
  boolean: readBoolean,
  string: readText,
};
