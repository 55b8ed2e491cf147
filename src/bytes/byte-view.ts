/** The same memory twice: byte by byte, and for what is wider than a byte. */
export interface ByteView {
  readonly bytes: Buffer;
  readonly view: DataView;
}

export function byteViewOf(bytes: Buffer): ByteView {
  return { bytes, view: new DataView(bytes.buffer, bytes.byteOffset, bytes.length) };
}
