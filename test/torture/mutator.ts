import { Random } from '../../src/simulate/random.ts';

const HEADER_BYTES = 5;
/** What brokers take by default, leaving space for the rest of the message. */
const MEGABYTE = 1_000_000;
/** Longer ones are not repeated. */
const REPEATED_BYTES = 5_000;
/** Large ones are rare, so that a run of many mutations stays small. */
const ONE_IN_MEGABYTES = 500;
const STREAM_OF_MUTATIONS = 3;

type Mutation = (value: Buffer, other: Buffer, random: Random) => Buffer;

/**
 * Corrupts valid messages, reproducibly by seed. What comes out may by chance still be
 * valid, or valid with other values.
 */
export class Mutator {
  readonly #random: Random;
  readonly #valid: readonly Buffer[];

  /** @param valid messages in the wire format */
  constructor(valid: readonly Buffer[], seed: number) {
    this.#valid = valid;
    this.#random = new Random(seed, STREAM_OF_MUTATIONS);
  }

  next(): Buffer {
    const random = this.#random;
    const value = random.pick(this.#valid);
    if (random.integer(1, ONE_IN_MEGABYTES) === 1) return hugeString(value, random);
    let mutated = value;
    for (let i = random.integer(1, 3); i > 0; i -= 1) {
      mutated = random.pick(MUTATIONS)(mutated, random.pick(this.#valid), random);
    }
    return mutated;
  }
}

const MUTATIONS: readonly Mutation[] = [
  flipBits,
  truncate,
  splice,
  insert,
  lengthBomb,
  blockBomb,
  otherBranch,
  otherSchema,
  repeat,
];

function flipBits(value: Buffer, _: Buffer, random: Random): Buffer {
  const copy = Buffer.from(value);
  for (let i = random.integer(1, 8); i > 0 && copy.length > 0; i -= 1) {
    const at = random.integer(0, copy.length - 1);
    copy[at] = (copy[at] ?? 0) ^ (1 << random.integer(0, 7));
  }
  return copy;
}

function truncate(value: Buffer, _: Buffer, random: Random): Buffer {
  return value.subarray(0, random.integer(0, value.length));
}

/** The beginning of one message and the end of another. */
function splice(value: Buffer, other: Buffer, random: Random): Buffer {
  const head = value.subarray(0, random.integer(0, value.length));
  return Buffer.concat([head, other.subarray(random.integer(0, other.length))]);
}

function insert(value: Buffer, _: Buffer, random: Random): Buffer {
  const noise = Buffer.from(random.hex(2 * random.integer(1, 40)), 'hex');
  return insertedAt(value, random.integer(0, value.length), noise);
}

/** A string that says it is far longer than the message, or of a negative length. */
function lengthBomb(value: Buffer, _: Buffer, random: Random): Buffer {
  const length = random.pick([2n ** 20n, 2n ** 31n, 2n ** 53n, 2n ** 62n, -1n, -(2n ** 62n)]);
  return insertedAt(value, anywhereAfterHeader(value, random), zigZag(length));
}

/** A block of a map that says it has any number of entries. */
function blockBomb(value: Buffer, _: Buffer, random: Random): Buffer {
  const count = random.pick([2n ** 16n, 2n ** 31n, 2n ** 60n, -(2n ** 31n), -(2n ** 60n)]);
  const block = Buffer.concat([zigZag(count), zigZag(random.pick([0n, 1n, -1n, 2n ** 40n]))]);
  return insertedAt(value, anywhereAfterHeader(value, random), block);
}

/** A byte that may choose the branch of a union becomes a small number, in or out of its range. */
function otherBranch(value: Buffer, _: Buffer, random: Random): Buffer {
  const copy = Buffer.from(value);
  const at = anywhereAfterHeader(copy, random);
  if (at < copy.length) copy[at] = random.integer(0, 20);
  return copy;
}

function otherSchema(value: Buffer, _: Buffer, random: Random): Buffer {
  const copy = Buffer.from(value);
  // Of a handful of ids, so that the registry is not what this is a test of.
  if (copy.length >= HEADER_BYTES) copy.writeUInt32BE(0x7fff_fff0 + random.integer(0, 9), 1);
  return copy;
}

function repeat(value: Buffer, _: Buffer, random: Random): Buffer {
  const times = value.length > REPEATED_BYTES ? 1 : random.integer(2, 20);
  return Buffer.concat(Array<Buffer>(times).fill(value));
}

/** A string of a megabyte where the message has its first one, the session id. */
function hugeString(value: Buffer, random: Random): Buffer {
  const text = Buffer.alloc(MEGABYTE - random.integer(0, 1_000), random.pick(['a', 'é', '\0']));
  const head = value.subarray(0, HEADER_BYTES);
  const rest = value.subarray(Math.min(HEADER_BYTES + random.integer(0, 40), value.length));
  return Buffer.concat([head, zigZag(BigInt(text.length)), text, rest]);
}

function anywhereAfterHeader(value: Buffer, random: Random): number {
  return random.integer(Math.min(HEADER_BYTES, value.length), value.length);
}

function insertedAt(value: Buffer, at: number, more: Buffer): Buffer {
  return Buffer.concat([value.subarray(0, at), more, value.subarray(at)]);
}

/** A long in Avro's binary form. */
function zigZag(value: bigint): Buffer {
  let left = BigInt.asUintN(64, (value << 1n) ^ (value >> 63n));
  const bytes: number[] = [];
  while (left > 0x7fn) {
    bytes.push(Number(left & 0x7fn) | 0x80);
    left >>= 7n;
  }
  bytes.push(Number(left));
  return Buffer.from(bytes);
}
