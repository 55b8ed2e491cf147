import type { AvroField, AvroRecordSchema, AvroSchema } from '../../schemas/avro-schema.ts';
import type { WriterField, WriterType } from './writer-type.ts';

/** The writer's types that have one of ours; of all others, nothing is kept. */
const SCALARS: Readonly<Record<string, string>> = {
  boolean: 'boolean',
  int: 'long',
  long: 'long',
  float: 'double',
  double: 'double',
  string: 'string',
};
/** The canonical form has one byte for the length of a name. */
const MAX_NAME_BYTES = 255;

/**
 * A record of ours with the fields that only the writer has, as deep as both have records. A fingerprint
 * covers what was sent: once a later build knows a field, it must find the event that this one applied.
 * So a field's value, if it is not the writer's default, is part of it here, too. Fields of arrays, maps
 * and other unions than of null are not.
 *
 * @returns `ours` itself when the writer has no such field
 */
export function withUnknownFields(ours: AvroRecordSchema, writer: WriterType): AvroRecordSchema {
  return extended(ours, writer, namesIn(ours));
}

/** The names of the fields that only the writer has, such as `metadata.region`; of any type. */
export function unknownFieldsOf(ours: AvroRecordSchema, writer: WriterType): string[] {
  const known = new Map(ours.fields.map((field) => [field.name, field.type]));
  return (writer.fields ?? []).flatMap(({ name, type }) => {
    const own = known.get(name);
    if (own === undefined) return [name];
    const record = recordIn(own);
    const theirs = record && writersRecord(type, record);
    if (record === undefined || theirs === undefined) return [];
    return unknownFieldsOf(record, theirs).map((inner) => `${name}.${inner}`);
  });
}

/** @param taken full names of records, each of which Avro defines once */
function extended(
  ours: AvroRecordSchema,
  writer: WriterType,
  taken: Set<string>,
): AvroRecordSchema {
  const given = new Map((writer.fields ?? []).map((field) => [field.name, field]));
  let isExtended = false;
  const fields = ours.fields.map((field): AvroField => {
    const theirs = given.get(field.name);
    given.delete(field.name);
    const record = recordIn(field.type);
    const theirRecord = theirs && record && writersRecord(theirs.type, record);
    if (record === undefined || theirRecord === undefined) return field;
    const inner = extended(record, theirRecord, taken);
    if (inner === record) return field;
    isExtended = true;
    return { ...field, type: Array.isArray(field.type) ? ['null', inner] : inner };
  });
  const more = [...given.values()].flatMap((field) => fieldOf(field, taken));
  return isExtended || more.length > 0 ? { ...ours, fields: [...fields, ...more] } : ours;
}

function fieldOf(field: WriterField, taken: Set<string>): AvroField[] {
  const type = typeOf(field.type, taken);
  if (type === undefined || Buffer.byteLength(field.name) > MAX_NAME_BYTES) return [];
  const { name } = field;
  const fallback = 'default' in field && { default: field.default as string | null };
  return [{ name, doc: '', type, ...fallback }];
}

function typeOf(writer: WriterType, taken: Set<string>): AvroSchema | undefined {
  const { typeName, types = [], name = '', fields = [] } = writer;
  if (typeName === 'union') {
    const [some, ...others] = types.filter((type) => type.typeName !== 'null');
    const isNullable = some !== undefined && others.length === 0 && types.length === 2;
    const type = isNullable ? typeOf(some, taken) : undefined;
    return type === undefined ? undefined : ['null', type];
  }
  if (typeName !== 'record') return SCALARS[typeName];
  const dot = name.lastIndexOf('.');
  if (dot === -1 || taken.has(name)) return undefined;
  taken.add(name);
  const inner = fields.flatMap((field) => fieldOf(field, taken));
  const own = { name: name.slice(dot + 1), namespace: name.slice(0, dot) };
  return inner.length === 0 ? undefined : { type: 'record', ...own, doc: '', fields: inner };
}

/** The record that a type of ours defines, null aside. */
function recordIn(type: AvroSchema): AvroRecordSchema | undefined {
  if (Array.isArray(type)) return type.map(recordIn).find((record) => record !== undefined);
  return typeof type === 'object' && type.type === 'record' ? type : undefined;
}

function writersRecord(type: WriterType, ours: AvroRecordSchema): WriterType | undefined {
  const name = `${ours.namespace}.${ours.name}`;
  return [type, ...(type.types ?? [])].find(
    (one) => one.typeName === 'record' && one.name === name,
  );
}

function namesIn(schema: AvroSchema, names = new Set<string>()): Set<string> {
  const record = recordIn(schema);
  if (record === undefined) return names;
  names.add(`${record.namespace}.${record.name}`);
  for (const { type } of record.fields) namesIn(type, names);
  return names;
}
