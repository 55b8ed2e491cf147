import { hash } from 'node:crypto';
import { type Memory, memoryOf } from '../decode/memory.ts';
import { TAG } from '../identify/canonical-form.ts';
import { END, type FormStep, type Layout, type Words } from './layout.ts';
import { slots } from './slots.ts';

/** Room for the names and values of any metric, beside its texts. */
const FIXED_BYTES = 2_048;
/** A message of more is for the careful reader. */
export const MAX_MESSAGE_BYTES = 6_144;

const out = memoryOf(Buffer.allocUnsafeSlow(FIXED_BYTES + MAX_MESSAGE_BYTES));
/** Views of the first bytes of `out`, by their number: to make one costs as much as to hash it. */
const views: (Buffer | undefined)[] = [];
let end = 0;

/**
 * SHA-256 of the canonical form of the metric in `slots`, as 32 characters (latin1): byte for byte
 * what `canonicalForm` writes of the same metric as an object.
 *
 * @param memory where the metric was read
 */
export function hashOfForm(memory: Memory, layout: Layout): string {
  end = 0;
  writeWords(layout.formStart);
  writeSteps(memory, layout.form);
  return hash('sha256', written(), 'binary');
}

/**
 * SHA-256 of what identifies the metric in `slots`, as 32 characters (latin1): of the same JSON that
 * `identify` writes.
 *
 * @param parts the slots of the discriminator; `undefined`: a text is none that JSON writes as it is
 */
export function hashOfParts(
  memory: Memory,
  beginning: Words,
  requestId: number,
  parts: readonly { slot: number; isText: boolean }[],
): string | undefined {
  const { numbers, starts, lengths } = slots;
  end = 0;
  writeWords(beginning);
  if (!copyPlain(memory, starts[requestId] as number, lengths[requestId] as number))
    return undefined;
  for (const { slot, isText } of parts) {
    out.bytes[end++] = COMMA;
    const length = lengths[slot] as number;
    if (!isText) writeAsciiText(String(numbers[slot]));
    else if (length < 0) writeAsciiText('null');
    else if (!copyPlain(memory, starts[slot] as number, length)) return undefined;
  }
  out.bytes[end++] = BRACKET;
  return hash('sha256', written(), 'binary');
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const BRACKET = 0x5d;

/** Copies a text in quotes; `false`: JSON would escape something in it. */
function copyPlain({ bytes: from }: Memory, start: number, length: number): boolean {
  const { bytes } = out;
  bytes[end++] = QUOTE;
  for (let at = start; at < start + length; at += 1) {
    const byte = from[at] as number;
    if (byte < 0x20 || byte > 0x7e || byte === QUOTE || byte === BACKSLASH) return false;
    bytes[end++] = byte;
  }
  bytes[end++] = QUOTE;
  return true;
}

function writeAsciiText(text: string): void {
  for (let i = 0; i < text.length; i += 1) out.bytes[end++] = text.charCodeAt(i);
}

/** What was written to `out`. */
function written(): Buffer {
  const known = views[end];
  if (known !== undefined) return known;
  const view = out.bytes.subarray(0, end);
  views[end] = view;
  return view;
}

function writeSteps(memory: Memory, steps: readonly FormStep[]): void {
  const { numbers, starts, lengths } = slots;
  const { bytes, view } = out;
  for (let i = 0; i < steps.length; i += 1) {
    const step = steps[i] as FormStep;
    const { tag, slot, fallback } = step;
    switch (tag) {
      case END:
        bytes[end++] = 0;
        break;
      case TAG.double:
      case TAG.long: {
        const value = numbers[slot] as number;
        if (value === fallback) break;
        writeName(step, tag);
        // Adding 0 makes one zero of the two.
        view.setFloat64(end, value + 0, true);
        end += 8;
        break;
      }
      case TAG.boolean: {
        const value = numbers[slot] as number;
        if ((value === 1) === fallback) break;
        writeName(step, tag);
        bytes[end++] = value;
        break;
      }
      case TAG.string: {
        const length = lengths[slot] as number;
        if (length < 0) {
          if (fallback !== null) writeName(step, TAG.null);
        } else if (length > 0 || fallback !== '') {
          writeName(step, tag);
          view.setUint32(end, length, true);
          end += 4;
          copy(memory, starts[slot] as number, length);
        }
        break;
      }
      case TAG.record:
        if (numbers[slot] === 1) {
          writeName(step, tag);
        } else {
          if (fallback !== null) writeName(step, TAG.null);
          i += step.steps;
        }
        break;
    }
  }
}

function writeName({ prefix }: FormStep, tag: number): void {
  writeWords(prefix);
  out.bytes[end++] = tag;
}

function writeWords({ words, bytes }: Words): void {
  const { view } = out;
  // Maybe beyond their end: what comes next is written over that.
  for (let i = 0; i < words.length; i += 1) view.setInt32(end + i * 4, words[i] as number, true);
  end += bytes;
}

function copy({ bytes: from, view }: Memory, start: number, length: number): void {
  const { bytes, view: to } = out;
  const last = start + length;
  let at = start;
  for (; at + 4 <= last; at += 4, end += 4) to.setInt32(end, view.getInt32(at, true), true);
  for (; at < last; at += 1) bytes[end++] = from[at] as number;
}
