import { setImmediate as yieldToOthers } from 'node:timers/promises';
import { AvroDecoder } from '../decode/avro/avro-decoder.ts';
import type { SchemaEntries } from '../decode/avro/schema-cache.ts';
import { ColumnarDecoder } from '../decode/columnar/columnar-decoder.ts';
import type { Halt } from '../ledger/halt.ts';
import type { Batch, Message } from '../records/message.ts';
import type { DeadLetterWindow } from './dead-letter-window.ts';
import type { Piece, Slice } from './record-queue.ts';

/** In place of a message that is not made yet. */
const NONE = {} as Message;
/** Records prepared before the event loop gets a turn. */
const PREPARE_CHUNK = 500;

/** Where the records of a batch come from. */
export type BatchOrigin = Pick<
  Batch,
  'groupId' | 'topic' | 'partition' | 'pass' | 'generation' | 'seenBefore'
>;

/** A batch that only has to be applied. */
export interface Prepared {
  readonly batch: Batch;
  /** Where its messages lie. */
  readonly pieces: readonly Piece[];
  readonly bytes: number;
  /** Set when the partition is to be halted after the batch. */
  readonly halt: Halt | undefined;
}

/**
 * Decodes records to messages. The batch ends where dead letters exceed the limit.
 *
 * @param schemas those of the schema ids of the slice
 * @param window of the dead letters before
 */
export async function prepareSlice(
  { fromOffset, nextOffset, pieces, size, bytes }: Slice,
  where: BatchOrigin,
  schemas: SchemaEntries,
  window: DeadLetterWindow,
): Promise<Prepared> {
  // Of its final length: growing would copy it again and again.
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
 * Releases the blocks whose last record is in a batch that is applied: the records before it were
 * applied earlier.
 */
export function release(pieces: readonly Piece[]): void {
  for (const { block, to } of pieces) if (to === block.size) block.release();
}
