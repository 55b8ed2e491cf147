import type pg from 'pg';

/** From so many bytes of parameters on, in all, a statement's parameters are not copied. */
const LARGE_BYTES = 16_384;
const BIND = 0x42;
const BINARY = 1;
const NULL = -1;

/** How `pg` makes messages and sends them. It is not documented: the version of `pg` is exact. */
interface Wire {
  /** Does nothing on a connection that has ended. */
  _send(bytes: Buffer): void;
  bind(config: BindConfig): void;
}
type Parameter = Buffer | string | null | undefined;
interface BindConfig {
  readonly portal?: string;
  readonly statement?: string;
  readonly values?: readonly unknown[];
  readonly binary?: boolean;
  readonly valueMapper?: (value: unknown, index: number) => Parameter;
}

/**
 * Sends large parameters of statements without copying them. `pg` copies all parameters of a statement
 * into one message, which it allocates and enlarges several times: for a batch, megabytes that the
 * kernel clears and that make V8 collect its heap.
 *
 * Nobody may write to the memory of a parameter before its statement has its answer.
 */
export function sendLargeParametersWithoutCopy(client: pg.ClientBase): void {
  const { connection: wire } = client as unknown as { connection: Wire };
  const bind = wire.bind.bind(wire);
  wire.bind = (config) => {
    if (bytesOf(config) < LARGE_BYTES) bind(config);
    else for (const piece of bindMessage(config)) wire._send(piece);
  };
}

function bytesOf({ values = [] }: BindConfig): number {
  let bytes = 0;
  for (const value of values) if (Buffer.isBuffer(value)) bytes += value.length;
  return bytes;
}

/**
 * The pieces of a Bind message.
 *
 * Source: PostgreSQL, "Frontend/Backend Protocol", Message Formats, Bind.
 */
function bindMessage({
  portal,
  statement,
  values = [],
  binary,
  valueMapper,
}: BindConfig): Buffer[] {
  const parameters = values.map((value, i) =>
    valueMapper === undefined ? (value as Parameter) : valueMapper(value, i),
  );
  const names = Buffer.from(`${portal ?? ''}\0${statement ?? ''}\0`);
  const formats = parameters.map((parameter) => (Buffer.isBuffer(parameter) ? BINARY : 0));
  const pieces = [names, int16s([parameters.length, ...formats, parameters.length])];
  for (const parameter of parameters) {
    if (parameter === null || parameter === undefined) {
      pieces.push(int32(NULL));
    } else {
      const bytes = Buffer.isBuffer(parameter) ? parameter : Buffer.from(parameter);
      pieces.push(int32(bytes.length), bytes);
    }
  }
  pieces.push(int16s([1, binary === true ? BINARY : 0]));
  const length = pieces.reduce((sum, piece) => sum + piece.length, 4);
  return [Buffer.from([BIND]), int32(length), ...pieces];
}

function int32(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeInt32BE(value);
  return bytes;
}

function int16s(values: readonly number[]): Buffer {
  const bytes = Buffer.allocUnsafe(values.length * 2);
  for (const [i, value] of values.entries()) bytes.writeInt16BE(value, i * 2);
  return bytes;
}
