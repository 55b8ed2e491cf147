/** Up to this length a loop is faster than a call into the runtime. */
export const SHORT = 64;

/** Writes a text of ASCII and returns its length; -1, with nothing meant, when it is not one. */
export function writeAscii(buffer: Buffer, at: number, text: string): number {
  for (let i = 0; i < text.length; i += 1) {
    const code = text.charCodeAt(i);
    if (code > 0x7f) return -1;
    buffer[at + i] = code;
  }
  return text.length;
}
