import { setImmediate as yieldToOthers } from 'node:timers/promises';
import { AvroDecoder } from '../decode/avro/avro-decoder.ts';
import type { SchemaEntries } from '../decode/avro/schema-cache.ts';
import { giveBack } from '../decode/columnar/column-messages.ts';
import { ColumnarDecoder } from '../decode/columnar/columnar-decoder.ts';
import type { Halt } from '../ledger/halt.ts';
import type { Batch, Message } from '../records/message.ts';
import type { DeadLetterWindow } from './dead-letter-window.ts';
import type { Piece, Slice } from './record-queue.ts';

/** In the place of a message that is not made yet. */
const NONE = {} as Message;
/** Records prepared before others get their turn. */
const PREPARE_CHUNK = 500;

/** A batch that only has to be booked. */
export interface Prepared {
  readonly batch: Batch;
  /** Where its messages lie. */
  readonly pieces: readonly Piece[];
  readonly bytes: number;
  /** Set when the partition is to be halted behind the batch. */
  readonly halt: Halt | undefined;
}

/**
 * Makes messages of records. Where dead letters become too many, the batch ends.
 *
 * @param schemas those of the schema ids of the slice
 * @param window of the dead letters before
 */
export async function prepareSlice(
  { fromOffset, nextOffset, pieces, size, bytes }: Slice,
  where: Pick<Batch, 'groupId' | 'topic' | 'partition' | 'pass' | 'generation'>,
  schemas: SchemaEntries,
  window: DeadLetterWindow,
): Promise<Prepared> {
  // As long as it will be: to grow, it would be copied again and again.
  const messages = new Array<Message>(size).fill(NONE);
  let count = 0;
  const decoder = new ColumnarDecoder(schemas, new AvroDecoder(schemas));
  const batch: Batch = {
    ...where,
    fromOffset,
    nextOffset,
    messages,
    metricOf: (message) => decoder.metricOf(message),
  };
  for (const { block, from, to } of pieces) {
    for (let index = from; index < to; index += 1) {
      const message = decoder.decode(block, index);
      messages[count++] = message;
      if (window.note(message.kind === 'dead_letter', message.offset)) {
        messages.length = count;
        const halt = window.halt(where);
        return { batch: { ...batch, nextOffset: message.offset + 1 }, pieces, bytes, halt };
      }
      if (count % PREPARE_CHUNK === 0) await yieldToOthers();
    }
  }
  return { batch, pieces, bytes, halt: undefined };
}

/**
 * Gives back what nobody looks at any more when a batch is booked: its messages, and the memory of
 * blocks of which the last record is booked; those before it were booked earlier.
 */
export function release({ batch, pieces }: Prepared): void {
  giveBack(batch.messages);
  for (const { block, to } of pieces) if (to === block.size) block.release();
}
