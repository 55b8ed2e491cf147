/** The same memory twice: byte by byte, and for what is wider than a byte. */
export interface Memory {
  readonly bytes: Buffer;
  readonly view: DataView;
}

/** Gives memory of at least so many bytes, in which anything may be. */
export type Allocate = (bytes: number) => ArrayBuffer;

export const allocateAnew: Allocate = (bytes) => new ArrayBuffer(bytes);

export function memoryOf(bytes: Buffer): Memory {
  return { bytes, view: new DataView(bytes.buffer, bytes.byteOffset, bytes.length) };
}
