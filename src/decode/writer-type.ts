/** The part of a parsed Avro type that tells how its bytes lie. */
export interface WriterType {
  /** `record`, `string`, `union:wrapped`, … */
  readonly typeName: string;
  /** Full name, of a named type. */
  readonly name?: string | undefined;
  /** Of a record. */
  readonly fields?: readonly { readonly name: string; readonly type: WriterType }[];
  /** Of a union. */
  readonly types?: readonly WriterType[];
  /** Of a map. */
  readonly valuesType?: WriterType;
}
