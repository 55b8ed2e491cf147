/** A parsed Avro type: how the bytes of a writer lie. Types may refer to each other in circles. */
export interface WriterType {
  /** `record`, `union`, `map`, `array`, `enum`, `fixed`, or a primitive such as `string`. */
  readonly typeName: string;
  /** Full name, of a named type. */
  readonly name?: string | undefined;
  /** Whether its values take no bytes at all, as null and a record without fields. */
  readonly isEmpty: boolean;
  /** Of a record. */
  readonly fields?: readonly WriterField[];
  /** Of a record: the types of those fields that take bytes. */
  readonly solidTypes?: readonly WriterType[];
  /** Of a union. */
  readonly types?: readonly WriterType[];
  /** Of a map. */
  readonly valuesType?: WriterType;
  /** Of an array. */
  readonly itemsType?: WriterType;
  /** Of a fixed. */
  readonly size?: number;
}

export interface WriterField {
  readonly name: string;
  readonly type: WriterType;
  /** As the schema has it: whether it fits the type is not checked. */
  readonly default?: unknown;
}

/** The name by which a person finds a type in its schema. */
export function nameOf({ name, typeName }: WriterType): string {
  return name ?? typeName;
}
