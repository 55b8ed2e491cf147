import { createReadStream, statSync } from 'node:fs';
import { messageOf, WrongUsageError } from '../errors.ts';

/** More than any event has. Bounds memory for a file without line ends. */
const MAX_LINE_BYTES = 16 * 1_048_576;
const LINE_FEED = 0x0a;

export interface EventLine {
  /** Counted from 1, empty lines included. */
  readonly number: number;
  readonly text: string;
}

/**
 * The lines of a file that are not empty. A byte order mark at its beginning is skipped.
 *
 * @throws {WrongUsageError} when the file does not exist, or a line is not UTF-8: replaced characters
 *   would be billed under another name
 */
export async function* linesOf(file: string): AsyncGenerator<EventLine> {
  let number = 0;
  for await (const bytes of linesOfBytes(file)) {
    number += 1;
    const text = textOf(bytes, number, file);
    if (text.trim() !== '') yield { number, text };
  }
}

function textOf(bytes: Buffer, number: number, file: string): string {
  if (bytes.length > MAX_LINE_BYTES) {
    throw new WrongUsageError(`${file}, line ${number}: longer than ${MAX_LINE_BYTES} bytes`);
  }
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: number > 1 }).decode(bytes);
  } catch {
    throw new WrongUsageError(`${file}, line ${number}: not UTF-8`);
  }
}

/** Stops at a line that is too long, and yields what was read of it. */
async function* linesOfBytes(file: string): AsyncGenerator<Buffer> {
  let parts: Buffer[] = [];
  let length = 0;
  try {
    if (statSync(file).isDirectory()) throw new Error(`${file} is a directory`);
    for await (const chunk of createReadStream(file) as AsyncIterable<Buffer>) {
      let start = 0;
      for (let end = chunk.indexOf(LINE_FEED); end !== -1; end = chunk.indexOf(LINE_FEED, start)) {
        yield Buffer.concat([...parts, chunk.subarray(start, end)]);
        parts = [];
        length = 0;
        start = end + 1;
      }
      parts.push(chunk.subarray(start));
      length += chunk.length - start;
      if (length > MAX_LINE_BYTES) break;
    }
  } catch (error) {
    throw new WrongUsageError(`--file: ${messageOf(error)}`, { cause: error });
  }
  if (length > 0) yield Buffer.concat(parts);
}
