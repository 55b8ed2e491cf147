import { once } from 'node:events';
import { printableJson, printableLines } from '../config/printable.ts';

/**
 * A reader such as `head` closes the pipe early. That is not an error and ends only the output: a
 * command that changes something runs to its end, and one that only prints stops (`printAll`).
 */
export function outliveReaders(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
    });
  }
}

/** Prints a line to standard output. */
export function print(line: string): void {
  process.stdout.write(`${printableLines(line)}\n`);
}

const COLOURS = { ok: 32, warn: 33, fail: 31, skip: 2 } as const;

/** Prints a line that begins with a verdict, in colour on a terminal that has colours (NO_COLOR). */
export function printVerdict(verdict: keyof typeof COLOURS, line: string): void {
  const { stdout } = process;
  const isColoured = stdout.isTTY && stdout.hasColors();
  const mark = verdict.padEnd(4);
  const shown = isColoured ? `\x1b[${COLOURS[verdict]}m${mark}\x1b[0m` : mark;
  stdout.write(`${shown}  ${printableLines(line)}\n`);
}

/** Prints what a command has done: a line, or with --json an object, and nothing else. */
export function printResult(json: boolean, result: unknown, line: string): void {
  if (json) printJson(result);
  else print(line);
}

export function printJson(value: unknown): void {
  process.stdout.write(`${printableJson(JSON.stringify(value, undefined, 2))}\n`);
}

/** Prints a long answer with back-pressure, and stops when the reader closes the pipe. */
export async function printAll(pieces: AsyncIterable<string>): Promise<void> {
  const { stdout } = process;
  for await (const piece of pieces) {
    if (stdout.errored !== null) return;
    if (!stdout.write(piece)) await once(stdout, 'drain').catch(() => {});
  }
}

/** Prints progress to standard error. */
export function note(line: string): void {
  process.stderr.write(`${printableLines(line)}\n`);
}
