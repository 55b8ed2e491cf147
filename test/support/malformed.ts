import type { ProducedMessage } from '../../src/produce/event-producer.ts';

/** A malformed message and the reason of its dead letter. */
export interface MalformedMessage {
  readonly reason: string;
  readonly message: ProducedMessage;
}

/**
 * The `i`th malformed message, of four kinds, each different from all others.
 *
 * @param good a valid encoded event to corrupt
 * @param badValue an event whose values must be refused, encoded
 */
export function malformedMessage(
  i: number,
  good: ProducedMessage,
  badValue: ProducedMessage,
): MalformedMessage {
  const { key } = good;
  const bytes = Buffer.from(good.value ?? Buffer.alloc(0));
  switch (i % 4) {
    case 0: {
      const value = Buffer.alloc(4 + (i % 60), i);
      value.writeUInt32BE(0xff00_0000 + i, 0);
      return { reason: 'not_avro_framed', message: { key, value } };
    }
    case 1: {
      const cut = 6 + (i % Math.max(bytes.length - 7, 1));
      return { reason: 'undecodable', message: { key, value: bytes.subarray(0, cut) } };
    }
    case 2:
      bytes.writeUInt32BE(1_000_000 + (i % 50), 1);
      return { reason: 'unknown_schema', message: { key, value: bytes } };
    default:
      return { reason: 'invalid_value', message: badValue };
  }
}
