/** Confluent wire format: byte 0, then the schema id in four bytes, big-endian, then Avro binary. */
const MAGIC_BYTE = 0;
export const HEADER_BYTES = 5;

/** Registries number schemas with a signed 32-bit integer, beginning with 1. */
const MAX_SCHEMA_ID = 0x7fff_ffff;

/**
 * The schema id that a value is framed with, or `undefined` when it is not framed at all.
 *
 * @param start where the value begins in `bytes`
 * @param end where it ends
 */
export function schemaIdOf(bytes: Buffer, start = 0, end = bytes.length): number | undefined {
  if (end - start < HEADER_BYTES || bytes[start] !== MAGIC_BYTE) return undefined;
  return bytes.readUInt32BE(start + 1);
}

/** Whether a registry could have given out `id`; others need no question. */
export function isPossibleSchemaId(id: number): boolean {
  return id >= 1 && id <= MAX_SCHEMA_ID;
}
