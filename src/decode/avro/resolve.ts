import type { AvroField, AvroRecordSchema, AvroSchema } from '../../schemas/avro-schema.ts';
import type { Cursor } from './cursor.ts';
import { branchAt, skip } from './skip.ts';
import { nameOf, type WriterType } from './writer-type.ts';

/** Reads a value of ours from the bytes of a writer. */
export type Read = (cursor: Cursor) => unknown;

/** Writers' types that are read as each of ours; source: Avro specification, "Schema Resolution". */
const PROMOTIONS: Record<string, Record<string, Read>> = {
  null: { null: () => null },
  boolean: { boolean: (cursor) => cursor.boolean() },
  long: { long: (cursor) => cursor.long(), int: (cursor) => cursor.long() },
  double: {
    double: (cursor) => cursor.double(),
    float: (cursor) => cursor.float(),
    long: (cursor) => cursor.long(),
    int: (cursor) => cursor.long(),
  },
  string: { string: (cursor) => cursor.string(), bytes: (cursor) => cursor.string() },
};

/** Most maps are empty: they share one. Without a prototype: a key may be "__proto__". */
const EMPTY_MAP: Record<string, unknown> = Object.freeze(Object.create(null));

/** Resolves the types of a writer to those of one schema of ours, each pair of them once. */
export class Resolver {
  /** By our type and the writer's: how to read it, or why that cannot be done. */
  readonly #known = new Map<AvroSchema, Map<WriterType, Read | Error>>();
  /** Our records by full name: Avro defines each once. */
  readonly #records = new Map<string, AvroRecordSchema>();

  /** @param ours whose types are resolved to */
  constructor(ours: AvroRecordSchema) {
    this.#collect(ours);
  }

  /** @throws when no value of `theirs` can be read as `ours` */
  resolve(ours: AvroSchema, theirs: WriterType): Read {
    const type = typeof ours === 'string' ? (this.#records.get(ours) ?? ours) : ours;
    const known = this.#known.get(type) ?? new Map<WriterType, Read | Error>();
    this.#known.set(type, known);
    const read = known.get(theirs) ?? this.#tryToMake(type, theirs);
    known.set(theirs, read);
    if (read instanceof Error) throw read;
    return read;
  }

  #collect(schema: AvroSchema): void {
    if (typeof schema === 'string') return;
    if (Array.isArray(schema)) for (const branch of schema) this.#collect(branch);
    else if (schema.type === 'array') this.#collect(schema.items);
    else if (schema.type === 'record') {
      this.#records.set(`${schema.namespace}.${schema.name}`, schema);
      for (const { type } of schema.fields) this.#collect(type);
    }
  }

  #tryToMake(ours: AvroSchema, theirs: WriterType): Read | Error {
    try {
      return this.#make(ours, theirs);
    } catch (error) {
      return error as Error;
    }
  }

  #make(ours: AvroSchema, theirs: WriterType): Read {
    if (theirs.typeName === 'union') return this.#fromUnion(ours, theirs);
    if (Array.isArray(ours)) return this.#asOneOf(ours, theirs);
    if (typeof ours === 'string') {
      const read = PROMOTIONS[ours]?.[theirs.typeName];
      if (read === undefined) throw new Error(`${nameOf(theirs)} where ${ours} is expected`);
      return read;
    }
    switch (ours.type) {
      case 'array':
        return this.#array(ours.items, theirs);
      case 'map':
        return this.#map(ours.values, theirs);
      case 'record':
        return this.record(ours, theirs);
    }
  }

  /** A branch that cannot be read costs only the messages that have it. */
  #fromUnion(ours: AvroSchema, theirs: WriterType): Read {
    let problem: unknown = new Error('a union has no branches');
    const reads = (theirs.types ?? []).map((branch) => {
      try {
        return this.resolve(ours, branch);
      } catch (error) {
        problem = error;
        return undefined;
      }
    });
    if (reads.every((read) => read === undefined)) throw problem;
    return (cursor) => {
      const index = cursor.long();
      const read = reads[index];
      if (read === undefined) {
        throw new Error(`${nameOf(branchAt(theirs, index))} is not expected here`);
      }
      return read(cursor);
    };
  }

  /** `null|T`: the first that fits. */
  #asOneOf(ours: readonly AvroSchema[], theirs: WriterType): Read {
    let problem: unknown;
    for (const branch of ours) {
      try {
        return this.resolve(branch, theirs);
      } catch (error) {
        problem = error;
      }
    }
    throw problem;
  }

  #array(ours: AvroSchema, theirs: WriterType): Read {
    if (theirs.typeName !== 'array')
      throw new Error(`${nameOf(theirs)} where an array is expected`);
    const items = theirs.itemsType as WriterType;
    if (items.isEmpty) throw new Error('an array has items without a value');
    const readItem = this.resolve(ours, items);
    return (cursor) => {
      const array: unknown[] = [];
      for (let count = cursor.blockCount(); count !== 0; count = cursor.blockCount()) {
        for (let i = 0; i < count; i += 1) array.push(readItem(cursor));
      }
      return array;
    };
  }

  #map(ours: AvroSchema, theirs: WriterType): Read {
    if (theirs.typeName !== 'map') throw new Error(`${nameOf(theirs)} where a map is expected`);
    const readValue = this.resolve(ours, theirs.valuesType as WriterType);
    return (cursor) => {
      let count = cursor.blockCount();
      if (count === 0) return EMPTY_MAP;
      const map: Record<string, unknown> = Object.create(null);
      for (; count !== 0; count = cursor.blockCount()) {
        for (let i = 0; i < count; i += 1) {
          const key = cursor.string();
          map[key] = readValue(cursor);
        }
      }
      return map;
    };
  }

  /**
   * A record of ours as an object with all of its fields. Fields that only the writer has are skipped;
   * those that it does not have take our defaults.
   *
   * @param more properties that each object also gets
   * @throws when the writer lacks a field that has no default, or has one that cannot be read as ours
   */
  record(ours: AvroRecordSchema, theirs: WriterType, more: object = {}): Read {
    if (theirs.typeName !== 'record' || simpleName(nameOf(theirs)) !== ours.name) {
      throw new Error(`${nameOf(theirs)} where ${ours.name} is expected`);
    }
    const steps = this.#steps(ours.fields, theirs);
    const given = new Set((theirs.fields ?? []).map(({ name }) => name));
    const defaults = ours.fields.map((field): [string, unknown] => [
      field.name,
      defaultOf(field, given.has(field.name)),
    ]);
    const template = templateOf({ ...Object.fromEntries(defaults), ...more });
    return (cursor) => {
      const record = { ...template };
      for (const { name, read } of steps) {
        if (name === undefined) {
          read(cursor);
        } else {
          cursor.field = name;
          record[name] = read(cursor);
        }
      }
      return record;
    };
  }

  /** How the writer's fields are read, in its order; those without a name are not kept. */
  #steps(
    ours: readonly AvroField[],
    theirs: WriterType,
  ): readonly { name: string | undefined; read: Read }[] {
    const fields = new Map(ours.map((field) => [field.name, field]));
    const steps: { name: string | undefined; read: Read }[] = [];
    for (const { name, type } of theirs.fields ?? []) {
      const field = fields.get(name);
      if (field !== undefined) steps.push({ name, read: this.#field(field, type) });
      else if (!type.isEmpty) steps.push({ name: undefined, read: (cursor) => skip(cursor, type) });
    }
    return steps;
  }

  #field(ours: AvroField, theirs: WriterType): Read {
    try {
      return this.resolve(ours.type, theirs);
    } catch (error) {
      throw new Error(`field ${ours.name}: ${(error as Error).message}`, { cause: error });
    }
  }
}

/**
 * Lets every property hold values of any type. V8 keeps for each what it has held so far, and an object that
 * is copied before that is settled takes the slow way each time.
 */
function templateOf(defaults: Record<string, unknown>): Record<string, unknown> {
  const template = { ...defaults };
  for (const name in template) {
    template[name] = '';
    template[name] = 0.5;
    template[name] = defaults[name];
  }
  return template;
}

function defaultOf(field: AvroField, isGiven: boolean): unknown {
  if (isGiven) return undefined;
  if (field.default === undefined) {
    throw new Error(`the writer has no field ${field.name}, which has no default`);
  }
  return typeof field.default === 'object' && field.default !== null ? EMPTY_MAP : field.default;
}

function simpleName(fullName: string): string {
  return fullName.slice(fullName.lastIndexOf('.') + 1);
}
