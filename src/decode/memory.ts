/** The same memory twice: byte by byte, and for what is wider than a byte. */
export interface Memory {
  readonly bytes: Buffer;
  readonly view: DataView;
}

export function memoryOf(bytes: Buffer): Memory {
  return { bytes, view: new DataView(bytes.buffer, bytes.byteOffset, bytes.length) };
}
