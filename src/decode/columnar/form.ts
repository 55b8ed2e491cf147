import { hash } from 'node:crypto';
import { type ByteView, byteViewOf } from '../../bytes/byte-view.ts';
import { writeAscii } from '../../bytes/short-text.ts';
import { TAG } from '../../identify/canonical-form.ts';
import { END, type FormStep, type Layout, type Words } from './layout.ts';
import { writeNumber } from './number-text.ts';
import type { Registers } from './registers.ts';

/** Arena for the names and values of any metric, beside its texts. */
const FIXED_BYTES = 2_048;
/** A message of more is for the careful reader. */
export const MAX_MESSAGE_BYTES = 6_144;

const out = byteViewOf(Buffer.allocUnsafeSlow(FIXED_BYTES + MAX_MESSAGE_BYTES));
/** Views of the first bytes of `out`, by their number: a new one for every message would cost. */
const views: (Buffer | undefined)[] = [];

/**
 * SHA-256 of the canonical form of the metric in `registers`, as 32 characters (latin1): byte for byte
 * what `canonicalForm` writes of the same metric as an object.
 *
 * @param memory where the metric was read
 */
export function hashOfForm(
  memory: ByteView,
  { numbers, starts, lengths }: Registers,
  { formStart, form }: Layout,
): string {
  const { bytes, view } = out;
  // Where the form ends so far. It is no field and no variable of the module: those are memory.
  let end = writeWords(formStart, 0);
  for (let i = 0; i < form.length; i += 1) {
    const step = form[i] as FormStep;
    const { tag, register, fallback, prefix } = step;
    switch (tag) {
      case END:
        bytes[end++] = 0;
        break;
      case TAG.double:
      case TAG.long: {
        const value = numbers[register] as number;
        if (value === fallback) break;
        end = writeWords(prefix, end);
        bytes[end++] = tag;
        // Adding 0 makes one zero of the two.
        view.setFloat64(end, value + 0, true);
        end += 8;
        break;
      }
      case TAG.boolean: {
        const value = numbers[register] as number;
        if ((value === 1) === fallback) break;
        end = writeWords(prefix, end);
        bytes[end++] = tag;
        bytes[end++] = value;
        break;
      }
      case TAG.string: {
        const length = lengths[register] as number;
        if (length < 0 ? fallback === null : length === 0 && fallback === '') break;
        end = writeWords(prefix, end);
        bytes[end++] = length < 0 ? TAG.null : tag;
        if (length < 0) break;
        view.setUint32(end, length, true);
        end = copy(memory, starts[register] as number, length, end + 4);
        break;
      }
      case TAG.record: {
        const isNull = numbers[register] !== 1;
        if (isNull) i += step.steps;
        if (isNull && fallback === null) break;
        end = writeWords(prefix, end);
        bytes[end++] = isNull ? TAG.null : tag;
        break;
      }
    }
  }
  return hash('sha256', firstBytes(end), 'binary');
}

/**
 * SHA-256 of what identifies the metric in `registers`, as 32 characters (latin1): of the same JSON that
 * `identify` writes.
 *
 * @param parts the registers of the discriminator
 * @returns `undefined`: a text is none that JSON writes as it is
 */
export function hashOfParts(
  memory: ByteView,
  { numbers, starts, lengths }: Registers,
  beginning: Words,
  requestId: number,
  parts: readonly { register: number; isText: boolean }[],
): string | undefined {
  const { bytes } = out;
  let end = writeWords(beginning, 0);
  end = writePlain(memory, starts[requestId] as number, lengths[requestId] as number, end);
  for (const { register, isText } of parts) {
    bytes[end++] = COMMA;
    const length = lengths[register] as number;
    if (!isText) end = writeNumber(bytes, end, numbers[register] as number);
    else if (length < 0) end += writeAscii(bytes, end, 'null');
    else end = writePlain(memory, starts[register] as number, length, end);
    if (end < 0) return undefined;
  }
  if (end < 0) return undefined;
  bytes[end++] = BRACKET;
  return hash('sha256', firstBytes(end), 'binary');
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const BRACKET = 0x5d;

/** Copies a text in quotes and returns where it ends; below 0: JSON would escape something in it. */
function writePlain({ bytes: from }: ByteView, start: number, length: number, at: number): number {
  const { bytes } = out;
  let end = at;
  bytes[end++] = QUOTE;
  for (let i = start; i < start + length; i += 1) {
    const byte = from[i] as number;
    if (byte < 0x20 || byte > 0x7e || byte === QUOTE || byte === BACKSLASH) return ESCAPED;
    bytes[end++] = byte;
  }
  bytes[end++] = QUOTE;
  return end;
}

/** So far below 0 that nothing that is written behind it comes back. */
const ESCAPED = -(2 ** 30);

function firstBytes(count: number): Buffer {
  const known = views[count];
  if (known !== undefined) return known;
  const view = out.bytes.subarray(0, count);
  views[count] = view;
  return view;
}

function writeWords({ words, bytes }: Words, at: number): number {
  const { view } = out;
  // Maybe beyond their end: what comes next is written over that.
  for (let i = 0; i < words.length; i += 1) view.setInt32(at + i * 4, words[i] as number, true);
  return at + bytes;
}

/** @returns where the copy ends */
function copy({ bytes: from, view }: ByteView, start: number, length: number, at: number): number {
  const { bytes, view: to } = out;
  const whole = length & ~3;
  for (let i = 0; i < whole; i += 4) to.setInt32(at + i, view.getInt32(start + i, true), true);
  for (let i = whole; i < length; i += 1) bytes[at + i] = from[start + i] as number;
  return at + length;
}
