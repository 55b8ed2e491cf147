/** Up to this length a loop is faster than a call into the runtime. */
export const SHORT = 64;

/** Writes an ASCII text and returns its length; -1 when it is not ASCII: what was written is void. */
export function writeAscii(buffer: Buffer, at: number, text: string): number {
  for (let i = 0; i < text.length; i += 1) {
    const code = text.charCodeAt(i);
    if (code > 0x7f) return -1;
    buffer[at + i] = code;
  }
  return text.length;
}
