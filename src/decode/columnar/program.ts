import type { WriterType } from '../avro/writer-type.ts';
import type { Field, Layout } from './layout.ts';

/**
 * How the bytes of one writer's metric become registers: triples of an operation, its register (-1: what is
 * read is not kept) and an argument.
 */
export interface Program {
  readonly code: Int32Array;
  /** How many registers the metric has. */
  readonly registers: number;
  /** Values of the fields that the writer does not have. */
  readonly defaults: readonly { register: number; value: number; isText: boolean }[];
}

export const OP = {
  double: 0,
  float: 1,
  long: 2,
  boolean: 3,
  text: 4,
  /** A union of null and one other; argument: how far to jump when it is null. */
  nullFirst: 5,
  nullLast: 6,
  /** Of the metadata: the bytes in between say which model it is. */
  metadataStart: 7,
  metadataEnd: 8,
} as const;

const TRIPLE = 3;

/** Thrown while compiling: this writer is for the careful reader. */
class NotPlain extends Error {}

/**
 * Compiles what a writer sends, resolved to our layout; `undefined`: something about it is unusual,
 * and its messages are read by the careful reader.
 *
 * @param keeps whether the values matter; else only `timestamp` is kept
 */
export function compile(
  writer: WriterType,
  layout: Pick<Layout, 'registers' | 'fields'> & Pick<Field, 'recordName'>,
  keeps: boolean,
): Program | undefined {
  const compiler = new Compiler(keeps);
  try {
    compiler.record(writer, layout);
  } catch (error) {
    if (error instanceof NotPlain) return undefined;
    throw error;
  }
  return {
    code: Int32Array.from(compiler.code),
    registers: layout.registers,
    defaults: compiler.defaults,
  };
}

class Compiler {
  readonly code: number[] = [];
  readonly defaults: { register: number; value: number; isText: boolean }[] = [];
  readonly #keeps: boolean;

  constructor(keeps: boolean) {
    this.#keeps = keeps;
  }

  record(
    writer: WriterType,
    { recordName, fields: ours }: Pick<Field, 'recordName' | 'fields'>,
  ): void {
    if (writer.typeName !== 'record' || writer.name !== recordName) throw new NotPlain();
    const given = new Set<string>();
    for (const { name, type } of writer.fields ?? []) {
      given.add(name);
      this.#field(name, type, ours.get(name));
    }
    for (const [name, field] of ours) if (!given.has(name)) this.#default(field);
  }

  #field(name: string, type: WriterType, field: Field | undefined): void {
    const isKept = field !== undefined && (this.#keeps || name === 'timestamp');
    const register = isKept ? field.register : -1;
    const { typeName } = type;
    if (field?.kind === 'record') {
      this.#recordField(name, type, field);
    } else if (typeName === 'union') {
      this.#union(type, field, register);
    } else {
      if (field !== undefined && !READ_AS[field.kind].includes(typeName)) throw new NotPlain();
      this.#emit(opOf(typeName), register, 0);
    }
  }

  #recordField(name: string, type: WriterType, field: Field): void {
    const isMetadata = name === 'metadata' && this.#keeps;
    if (!field.isOptional) {
      this.defaults.push({ register: field.register, value: 1, isText: false });
      this.record(type, field);
      return;
    }
    const [none, record, ...more] = type.types ?? [];
    if (none?.typeName !== 'null' || record === undefined || more.length > 0) throw new NotPlain();
    const at = this.#emit(OP.nullFirst, field.register, 0);
    if (isMetadata) this.#emit(OP.metadataStart, -1, 0);
    this.record(record, field);
    if (isMetadata) this.#emit(OP.metadataEnd, -1, 0);
    this.code[at + 2] = this.code.length - at - TRIPLE;
  }

  /** Null and a text, in either order. */
  #union({ types = [] }: WriterType, field: Field | undefined, register: number): void {
    const none = types.findIndex(({ typeName }) => typeName === 'null');
    const text = types.findIndex(({ typeName }) => typeName === 'string');
    const isPlain = types.length === 2 && none !== -1 && text !== -1;
    if (!isPlain || (field !== undefined && !field.isOptional)) throw new NotPlain();
    this.#emit(none === 0 ? OP.nullFirst : OP.nullLast, register, TRIPLE);
    this.#emit(OP.text, register, 0);
  }

  #default({ register, kind, fallback }: Field): void {
    // avsc resolves no such branch: the careful reader says so.
    if (fallback === undefined) throw new NotPlain();
    // A null needs nothing: registers begin as null, or as 0.
    if (fallback === null || !this.#keeps) return;
    if (kind === 'string' && fallback === '')
      this.defaults.push({ register, value: 0, isText: true });
    else if (kind === 'boolean')
      this.defaults.push({ register, value: fallback === true ? 1 : 0, isText: false });
    else if (typeof fallback === 'number')
      this.defaults.push({ register, value: fallback, isText: false });
    else throw new NotPlain();
  }

  #emit(op: number, register: number, argument: number): number {
    return this.code.push(op, register, argument) - TRIPLE;
  }
}

/** The writer's types that are read as each of ours without more ado. */
const READ_AS: Record<Field['kind'], readonly string[]> = {
  double: ['double', 'float', 'long', 'int'],
  long: ['long', 'int'],
  boolean: ['boolean'],
  string: ['string'],
  record: [],
};

function opOf(typeName: string): number {
  switch (typeName) {
    case 'double':
      return OP.double;
    case 'float':
      return OP.float;
    case 'long':
    case 'int':
      return OP.long;
    case 'boolean':
      return OP.boolean;
    case 'string':
      return OP.text;
    default:
      throw new NotPlain();
  }
}
