import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ResponseFrames } from '../../src/kafka/response-frames.ts';

const MB = 1_048_576;

function framed(bytes: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

/** What is delivered of a stream that arrives in pieces, all in the same memory, as from a socket. */
function delivered(stream: Buffer, sizes: readonly number[]): Buffer[] {
  const responses: Buffer[] = [];
  const frames = new ResponseFrames((bytes) => responses.push(bytes));
  const memory = Buffer.alloc(65_536);
  let i = 0;
  for (let at = 0; at < stream.length; ) {
    const size = Math.min(sizes[i++ % sizes.length] ?? 1, memory.length, stream.length - at);
    stream.copy(memory, 0, at, at + size);
    frames.push(memory.subarray(0, size));
    memory.fill(0xee);
    at += size;
  }
  return responses;
}

describe('responses that arrive in pieces', () => {
  test('are delivered whole, each with its length, wherever they are cut', () => {
    const lists = fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 6 });
    const sizes = fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(lists, sizes, (list, cuts) => {
        const whole = list.map((bytes) => framed(Buffer.from(bytes)));
        expect(delivered(Buffer.concat(whole), cuts)).toEqual(whole);
      }),
    );
  });

  test('of megabytes as well', () => {
    const whole = [framed(Buffer.alloc(3 * MB, 1)), framed(Buffer.alloc(10, 2))];
    const responses = delivered(Buffer.concat(whole), [65_536]);
    expect(responses.map((response) => response.length)).toEqual([3 * MB + 4, 14]);
    expect(Buffer.concat(responses).equals(Buffer.concat(whole))).toBe(true);
  });

  test('are kept until they are whole', () => {
    const frame = framed(Buffer.from('response'));
    expect(delivered(frame.subarray(0, 3), [3])).toEqual([]);
    expect(delivered(frame.subarray(0, -1), [2])).toEqual([]);
  });

  test('are passed on as they come where no memory should be allocated for them', () => {
    // A web server that is asked in Kafka's protocol: its "HTTP" would be a length of a gigabyte.
    const page = Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n');
    expect(Buffer.concat(delivered(page, [10]))).toEqual(page);
    const negative = Buffer.from([0xff, 0xff, 0xff, 0xff, 1, 2, 3]);
    expect(Buffer.concat(delivered(negative, [4]))).toEqual(negative);
    const large = framed(Buffer.alloc(65 * MB, 7));
    const small = framed(Buffer.from('small'));
    const responses = delivered(Buffer.concat([large, small]), [65_536]);
    expect(Buffer.concat(responses.slice(0, -1)).equals(large)).toBe(true);
    expect(responses.at(-1)).toEqual(small);
  });
});
