import { once } from 'node:events';
import { printableJson, printableLines } from '../config/printable.ts';

/**
 * A reader that has seen enough, such as `head`, closes the pipe. That ends nothing but the output: a
 * command that changes something goes on, and one that only prints stops (`printAll`). Nobody calls
 * that an error.
 */
export function outliveReaders(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
    });
  }
}

/** Prints a line of an answer; logs go to standard error. */
export function print(line: string): void {
  process.stdout.write(`${printableLines(line)}\n`);
}

export function printJson(value: unknown): void {
  process.stdout.write(`${printableJson(JSON.stringify(value, undefined, 2))}\n`);
}

/** Prints a long answer as fast as it is read, until nobody reads it any more. */
export async function printAll(pieces: AsyncIterable<string>): Promise<void> {
  const { stdout } = process;
  for await (const piece of pieces) {
    if (stdout.errored !== null) return;
    if (!stdout.write(piece)) await once(stdout, 'drain').catch(() => {});
  }
}

/** Tells a person who waits what is going on. */
export function note(line: string): void {
  process.stderr.write(`${printableLines(line)}\n`);
}
