import { randomBytes } from 'node:crypto';
import type { EncodedEvent } from '../../src/produce/encoder.ts';
import type { ProducedMessage } from '../../src/produce/event-producer.ts';

/** What goes wrong on real topics: each made from a good message, none of which may be billed. */
const CORRUPTIONS: readonly ((good: EncodedEvent) => ProducedMessage)[] = [
  // Random bytes. The first one is not 0, as no schema framing is.
  ({ key }) => ({ key, value: Buffer.concat([Buffer.from([0xff]), randomBytes(40)]) }),
  // Cut short.
  ({ key, value }) => ({ key, value: value.subarray(0, value.length - 9) }),
  // A schema id that nobody registered.
  ({ key, value }) => {
    const other = Buffer.from(value);
    other.writeUInt32BE(0x7fff_0000, 1);
    return { key, value: other };
  },
  // JSON, by somebody who did not know.
  ({ key }) => ({ key, value: Buffer.from('{"session_id": "AJ_json"}') }),
];

/** The `index`th malformed message. */
export function corrupt(good: EncodedEvent, index: number): ProducedMessage {
  const corruption = CORRUPTIONS[index % CORRUPTIONS.length];
  if (corruption === undefined) throw new Error('there is a corruption for every index');
  return corruption(good);
}
