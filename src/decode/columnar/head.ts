import type { ByteView } from '../../bytes/byte-view.ts';
import { MAX_ATTRIBUTE_NAME_CHARACTERS, MAX_ATTRIBUTES } from '../../validate/validate.ts';
import { MAX_NAME_CHARACTERS } from '../../validate/value-problems.ts';
import type { WriterType } from '../avro/writer-type.ts';
import { DECLINED } from './read-field.ts';

/** What an envelope says before its metric: of which session the metric is. */
export interface Head {
  readonly sessionId: string;
  readonly accountId: string | null;
  readonly attributes: Readonly<Record<string, string>>;
}

/** The fields of a head; a writer may have any of them, in any order. */
export type HeadField = 'session_id' | 'account_id' | 'attributes';

const NO_ATTRIBUTES: Readonly<Record<string, string>> = Object.freeze(Object.create(null));
/** The most that a length of two bytes can be; longer texts are declined. */
const MAX_TEXT_BYTES = 8_191;
const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The fields before the metric in the writer's order; `undefined`: its records are declined. */
export function headFieldsOf(
  fields: readonly { name: string; type: WriterType }[],
): HeadField[] | undefined {
  const names: HeadField[] = [];
  for (const { name, type } of fields) {
    if (name === 'session_id' && type.typeName === 'string') names.push(name);
    else if (name === 'account_id' && isOptionalText(type)) names.push(name);
    else if (name === 'attributes' && type.valuesType?.typeName === 'string') names.push(name);
    else return undefined;
  }
  return names.includes('session_id') ? names : undefined;
}

function isOptionalText({ types = [] }: WriterType): boolean {
  return types.length === 2 && types[0]?.typeName === 'null' && types[1]?.typeName === 'string';
}

/** Where a head ends, or `DECLINED`. */
export function endOfHead(
  memory: ByteView,
  start: number,
  end: number,
  fields: readonly HeadField[],
): number {
  const { bytes } = memory;
  let at = start;
  for (const field of fields) {
    if (at >= end) return DECLINED;
    if (field === 'attributes') {
      at = endOfMap(bytes, at, end);
    } else if (field === 'session_id') {
      at = endOfText(bytes, at, end);
    } else {
      const index = bytes[at++];
      if (index === 2) at = endOfText(bytes, at, end);
      else if (index !== 0) return DECLINED;
    }
    if (at === DECLINED) return DECLINED;
  }
  return at;
}

function endOfText(bytes: Buffer, start: number, end: number): number {
  const length = lengthAt(bytes, start, end);
  const text = start + (length < 64 ? 1 : 2);
  return length === DECLINED || text + length > end ? DECLINED : text + length;
}

/** The length of the text at `start`, in one or two bytes, or `DECLINED`. */
function lengthAt(bytes: Buffer, start: number, end: number): number {
  if (start >= end) return DECLINED;
  const first = bytes[start] as number;
  if ((first & 1) === 1) return DECLINED;
  if (first < 0x80) return first >> 1;
  if (start + 1 >= end) return DECLINED;
  const second = bytes[start + 1] as number;
  const length = ((first & 0x7f) >> 1) + (second << 6);
  // In no more bytes than it needs: where a text begins is computed from its length.
  return second > 0x7f || length < 64 || length > MAX_TEXT_BYTES ? DECLINED : length;
}

function endOfMap(bytes: Buffer, start: number, end: number): number {
  let at = start;
  for (;;) {
    if (at >= end) return DECLINED;
    const count = bytes[at++] as number;
    if (count === 0) return at;
    // A negative count, or more than 63 in one block, is declined.
    if ((count & 1) === 1 || count > 0x7f) return DECLINED;
    for (let texts = count; texts > 0; texts -= 1) {
      at = endOfText(bytes, at, end);
      if (at === DECLINED) return DECLINED;
    }
  }
}

/** Reads a head of which `endOfHead` found the end; `null`: it is declined. */
export function readHead(
  { bytes }: ByteView,
  start: number,
  fields: readonly HeadField[],
): Head | null {
  let at = start;
  let sessionId = '';
  let accountId: string | null = null;
  let attributes = NO_ATTRIBUTES;
  let isPlain = true;
  const text = (): string => {
    const length = lengthAt(bytes, at, bytes.length);
    const from = at + (length < 64 ? 1 : 2);
    at = from + length;
    const read = textOf(bytes.subarray(from, at));
    if (read === undefined) isPlain = false;
    return read ?? '';
  };
  for (const field of fields) {
    if (field === 'session_id') {
      sessionId = text();
    } else if (field === 'account_id') {
      if (bytes[at++] === 2) accountId = text();
    } else {
      const read: Record<string, string> = Object.create(null);
      let entries = 0;
      for (let count = bytes[at++] as number; count !== 0; count = bytes[at++] as number) {
        entries += count >> 1;
        if (entries > MAX_ATTRIBUTES) return null;
        for (let i = count >> 1; i > 0; i -= 1) {
          const key = text();
          if (key.length > MAX_ATTRIBUTE_NAME_CHARACTERS) return null;
          read[key] = text();
          attributes = read;
        }
      }
    }
  }
  return isPlain && sessionId !== '' ? { sessionId, accountId, attributes } : null;
}

/** The head of a metric without an envelope: the bytes are the id of its session. */
export function headOfSessionId({ bytes }: ByteView, start: number, end: number): Head | null {
  const sessionId = textOf(bytes.subarray(start, end)) ?? '';
  return sessionId === '' ? null : { sessionId, accountId: null, attributes: NO_ATTRIBUTES };
}

/** `undefined`: it is not UTF-8, or may not be stored as a name. */
function textOf(bytes: Buffer): string | undefined {
  let text: string;
  try {
    text = strictUtf8.decode(bytes);
  } catch {
    return undefined;
  }
  return text.length > MAX_NAME_CHARACTERS || text.includes('\0') ? undefined : text;
}
