import type { ProducedMessage } from '../../src/produce/event-producer.ts';

/** Rubbish with the reason that it must be refused for. */
export interface Rubbish {
  readonly reason: string;
  readonly message: ProducedMessage;
}

/**
 * The `i`th message of rubbish, of four sorts, each different from all others.
 *
 * @param good an encoded event to spoil
 * @param badValue an event whose values must be refused, encoded
 */
export function rubbish(i: number, good: ProducedMessage, badValue: ProducedMessage): Rubbish {
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
