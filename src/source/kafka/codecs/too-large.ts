/** What comes out of a decompression is more than may be held in memory. */
export class TooLargeError extends Error {
  constructor() {
    super('it takes more memory than it may');
    this.name = new.target.name;
  }
}

/** Node's own decompression names the bound by a code. */
export function tooLargeOr(error: unknown): unknown {
  const isTooLarge =
    error instanceof Error && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE';
  return isTooLarge ? new TooLargeError() : error;
}
