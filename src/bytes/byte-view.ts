/** The same memory twice: as bytes, and for numbers that are wider than a byte. */
export interface ByteView {
  readonly bytes: Buffer;
  readonly view: DataView;
}

export function byteViewOf(bytes: Buffer): ByteView {
  return { bytes, view: new DataView(bytes.buffer, bytes.byteOffset, bytes.length) };
}
