/** A longer id is never weak. */
const MAX_LENGTH = 64;
/**
 * The token in which an id ends is random from this length on, also when it happens to be all digits:
 * the shortest that plugins generate, LiveKit's `shortuuid`, has 12 hexadecimal digits. A time in
 * seconds has 10 digits and is no identity; one in milliseconds has 13.
 */
const RANDOM_LENGTH = 12;

/**
 * Words, each in one case: a person writes a prefix, `AbCd` is random. Whatever is not alphanumeric in
 * ASCII is a separator.
 */
const PREFIX = /^(?:(?:[A-Z]?[a-z]+|[A-Z]+)?[^0-9A-Za-z])*$/;
const SHORT_NUMBER = /^[a-z]*[0-9]+$/;
/** With the separators of the nil UUID. */
const ZEROS = /^(?:[A-Za-z]+[^0-9A-Za-z])*[0-]+$/;
const NOTHING: ReadonlySet<string> = new Set(
  'none null nil undefined unknown nan empty missing false'.split(' ').concat(''),
);
/** Words for nothing with a separator. xAI sends the second one for sessions that it bills by time. */
const PHRASES: ReadonlySet<string> = new Set(['n/a', 'session_close']);

/**
 * Whether an id says too little to distinguish one emission of a call from another: after its prefix
 * (words and separators, such as `chatcmpl-`) it is nothing, a short decimal number, zeros, or a word
 * for nothing. It is judged by its form and not by who sent it: any server may number its responses,
 * as Ollama does, at random from 0 to 998.
 */
export function isWeakId(id: string): boolean {
  if (id.length > MAX_LENGTH) return false;
  if (id.endsWith('0') && ZEROS.test(id)) return true;
  const tokenAt = startOfToken(id);
  if (id.length - tokenAt >= RANDOM_LENGTH) return false;
  const token = id.slice(tokenAt).toLowerCase();
  if (SHORT_NUMBER.test(token) || NOTHING.has(token)) return PREFIX.test(id.slice(0, tokenAt));
  return PHRASES.has(id.toLowerCase());
}

/** `isWeakId` of ASCII text in memory. Most ids end in a random token: of those no string is made. */
export function isWeakIdAt(bytes: Buffer, start: number, end: number): boolean {
  if (end - start > MAX_LENGTH) return false;
  if (bytes[end - 1] !== ZERO && endsInRandomToken(bytes, start, end)) return false;
  return isWeakId(bytes.toString('latin1', start, end));
}

const ZERO = 0x30;

function endsInRandomToken(bytes: Buffer, start: number, end: number): boolean {
  const tokenAt = end - RANDOM_LENGTH;
  if (tokenAt < start) return false;
  for (let i = tokenAt; i < end; i += 1) if (!isAlphanumeric(bytes[i] as number)) return false;
  return true;
}

/** The token is what follows the last separator. */
function startOfToken(id: string): number {
  let start = id.length;
  while (start > 0 && isAlphanumeric(id.charCodeAt(start - 1))) start -= 1;
  return start;
}

function isAlphanumeric(code: number): boolean {
  const lower = code | 0x20;
  return (code >= ZERO && code <= 0x39) || (lower >= 0x61 && lower <= 0x7a);
}
