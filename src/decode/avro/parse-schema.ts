import { definedName, findNamed } from './schema-names.ts';
import type { WriterField, WriterType } from './writer-type.ts';

/**
 * Bounds of a schema, far above what a producer of metrics needs: whoever may write to the registry
 * decides what is in one.
 */
const MAX_PARTS = 20_000;
const MAX_DEPTH = 100;
const MAX_BRANCHES = 1_000;

/** A schema that refers to others, which are defined before it, in this order. */
export interface SchemaWithReferences {
  readonly schema: unknown;
  readonly references: readonly unknown[];
}

const PRIMITIVES: ReadonlyMap<string, WriterType> = new Map(
  ['null', 'boolean', 'int', 'long', 'float', 'double', 'bytes', 'string'].map((typeName) => [
    typeName,
    { typeName, isEmpty: typeName === 'null' },
  ]),
);

/**
 * Parses a schema as far as reading needs it. Aliases, documentation and logical types of a writer do not
 * change its bytes: they are not read, so that nothing can be wrong with them. Nor is a default checked.
 * (The Java implementation and Apicurio accept defaults that others reject.)
 *
 * @param schema JSON of an Avro schema, or `SchemaWithReferences`
 * @throws saying what is not Avro about it, or which bound it exceeds
 */
export function parseSchema(schema: unknown): WriterType {
  const parser = new SchemaParser();
  if (!isWithReferences(schema)) return parser.parse(schema, '', 0);
  for (const reference of schema.references) parser.parse(reference, '', 0);
  return parser.parse(schema.schema, '', 0);
}

function isWithReferences(schema: unknown): schema is SchemaWithReferences {
  return isObject(schema) && Array.isArray(schema['references']) && 'schema' in schema;
}

class SchemaParser {
  readonly #named = new Map<string, WriterType>();
  #parts = 0;

  parse(schema: unknown, namespace: string, depth: number): WriterType {
    this.#parts += 1;
    if (this.#parts > MAX_PARTS) throw new Error(`it has more than ${MAX_PARTS} parts`);
    if (depth > MAX_DEPTH) throw new Error(`it is nested deeper than ${MAX_DEPTH}`);
    if (typeof schema === 'string') return this.#reference(schema, namespace);
    if (Array.isArray(schema)) return this.#union(schema, namespace, depth);
    if (!isObject(schema)) throw new Error(`${shown(schema)} is not an Avro type`);
    const { type } = schema;
    switch (type) {
      case 'record':
      case 'error':
        return this.#record(schema, namespace, depth);
      case 'enum':
        return this.#define(schema, namespace, { typeName: 'enum', isEmpty: false });
      case 'fixed': {
        const size = sizeOf(schema);
        return this.#define(schema, namespace, { typeName: 'fixed', size, isEmpty: size === 0 });
      }
      case 'array': {
        const itemsType = this.parse(schema['items'], namespace, depth + 1);
        return { typeName: 'array', isEmpty: false, itemsType };
      }
      case 'map': {
        const valuesType = this.parse(schema['values'], namespace, depth + 1);
        return { typeName: 'map', isEmpty: false, valuesType };
      }
      default:
        return this.parse(type, namespace, depth + 1);
    }
  }

  #reference(name: string, namespace: string): WriterType {
    const type = PRIMITIVES.get(name) ?? findNamed(this.#named, name, namespace);
    if (type === undefined) throw new Error(`type ${shown(name)} is not defined`);
    return type;
  }

  #union(branches: readonly unknown[], namespace: string, depth: number): WriterType {
    if (branches.length > MAX_BRANCHES) {
      throw new Error(`a union has ${branches.length} branches, more than ${MAX_BRANCHES}`);
    }
    const types = branches.map((branch) => this.parse(branch, namespace, depth + 1));
    if (types.some(({ typeName }) => typeName === 'union')) {
      throw new Error('a union is a branch of another one');
    }
    return { typeName: 'union', isEmpty: false, types };
  }

  #record(schema: Record<string, unknown>, enclosing: string, depth: number): WriterType {
    const given = schema['fields'];
    const fields: WriterField[] = [];
    const solidTypes: WriterType[] = [];
    const record = { typeName: 'record', isEmpty: false, fields, solidTypes };
    const type = this.#define(schema, enclosing, record);
    const { namespace } = definedName(schema['name'], schema['namespace'], enclosing);
    if (!Array.isArray(given)) throw new Error(`record ${type.name} has no fields`);
    const names = new Set<unknown>();
    for (const field of given as unknown[]) {
      if (!isObject(field) || typeof field['name'] !== 'string' || names.has(field['name'])) {
        throw new Error(`record ${type.name} has a field without a name of its own`);
      }
      names.add(field['name']);
      const fieldType = this.parse(field['type'], namespace, depth + 1);
      const own = 'default' in field && { default: field['default'] };
      fields.push({ name: field['name'], type: fieldType, ...own });
      if (!fieldType.isEmpty) solidTypes.push(fieldType);
    }
    // A record that contains itself is not empty: it has no finite value.
    Object.assign(type, { isEmpty: solidTypes.length === 0 });
    return type;
  }

  #define(
    schema: Record<string, unknown>,
    enclosing: string,
    parts: Omit<WriterType, 'name'>,
  ): WriterType {
    const { fullName } = definedName(schema['name'], schema['namespace'], enclosing);
    if (this.#named.has(fullName)) throw new Error(`type ${shown(fullName)} is defined twice`);
    const type = { ...parts, name: fullName };
    this.#named.set(fullName, type);
    return type;
  }
}

function sizeOf({ name, size }: Record<string, unknown>): number {
  if (Number.isSafeInteger(size) && (size as number) >= 0) return size as number;
  throw new Error(`fixed ${shown(name)} has size ${shown(size)}`);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function shown(value: unknown): string {
  return (JSON.stringify(value) ?? 'nothing').slice(0, 100);
}
