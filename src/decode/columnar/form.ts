import { type ByteView, byteViewOf } from '../../bytes/byte-view.ts';
import { TAG } from '../../identify/canonical-form.ts';
import { sha256 } from '../../identify/identity.ts';
import { END, FIXED_BYTES, type FormStep, type Words } from './layout.ts';
import type { Registers } from './registers.ts';

/** A longer message is declined. */
export const MAX_MESSAGE_BYTES = 6_144;

const out = byteViewOf(Buffer.allocUnsafeSlow(FIXED_BYTES + MAX_MESSAGE_BYTES));
/** Views of the first bytes of `out`, by their number: a new one for every message would cost. */
const views: (Buffer | undefined)[] = [];

/**
 * SHA-256 of the canonical form of the metric in `registers`, as 32 characters (latin1): byte for byte
 * what `canonicalForm` writes of the same metric as an object.
 *
 * @param memory where the metric was read
 * @param beginning the metric's type
 * @param form the fields that are written
 */
export function hashOfForm(
  memory: ByteView,
  { numbers, starts, lengths }: Registers,
  beginning: Words,
  form: readonly FormStep[],
): string {
  const { bytes, view } = out;
  // Where the form ends so far. It is no field and no variable of the module: those are memory.
  let end = writeWords(beginning, 0);
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
  return sha256(firstBytes(end));
}

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
