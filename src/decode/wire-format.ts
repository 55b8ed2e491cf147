/** Confluent wire format: byte 0, then the schema id in four bytes, big-endian, then Avro binary. */
const MAGIC_BYTE = 0;
export const HEADER_BYTES = 5;

/** Registries number schemas with a signed 32-bit integer, beginning with 1. */
const MAX_SCHEMA_ID = 0x7fff_ffff;

/** The schema id that `value` is framed with, or `undefined` when it is not framed at all. */
export function schemaIdOf(value: Buffer): number | undefined {
  if (value.length < HEADER_BYTES || value[0] !== MAGIC_BYTE) return undefined;
  return value.readUInt32BE(1);
}

/** Whether a registry could have given out `id`; others need no question. */
export function isPossibleSchemaId(id: number): boolean {
  return id >= 1 && id <= MAX_SCHEMA_ID;
}
