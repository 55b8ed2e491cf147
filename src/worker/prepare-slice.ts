import { setImmediate as yieldToOthers } from 'node:timers/promises';
import { AvroDecoder } from '../decode/avro/avro-decoder.ts';
import type { SchemaEntries } from '../decode/avro/schema-cache.ts';
import { ColumnarDecoder } from '../decode/columnar/columnar-decoder.ts';
import type { MessageDecoder } from '../decode/message-decoder.ts';
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
  let yieldedAt = 0;
  const decoder = new ColumnarDecoder(schemas, new AvroDecoder(schemas));
  const batch: Batch = {
    ...where,
    fromOffset,
    nextOffset,
    messages,
    metricOf: (message) => decoder.metricOf(message),
  };
  for (const { block, from, to } of pieces) {
    for (let at = from; at < to; at += PREPARE_CHUNK) {
      const chunk = { block, from: at, to: Math.min(at + PREPARE_CHUNK, to) };
      const last = decodeChunk(decoder, chunk, window, messages, count);
      count += chunk.to - chunk.from;
      if (last !== undefined) {
        messages.length = messages.indexOf(last) + 1;
        const halt = window.halt(where);
        return { batch: { ...batch, nextOffset: last.offset + 1 }, pieces, bytes, halt };
      }
      if (count - yieldedAt < PREPARE_CHUNK) continue;
      yieldedAt = count;
      await yieldToOthers();
    }
  }
  return { batch, pieces, bytes, halt: undefined };
}

/**
 * Decodes some records into `messages`, from the index `at` on.
 *
 * @returns the message at which dead letters exceed the limit
 */
function decodeChunk(
  decoder: MessageDecoder,
  { block, from, to }: Piece,
  window: DeadLetterWindow,
  messages: Message[],
  at: number,
): Message | undefined {
  for (let index = from; index < to; index += 1) {
    const message = decoder.decode(block, index);
    messages[at + index - from] = message;
    if (window.note(message.kind === 'dead_letter', message.offset)) return message;
  }
  return undefined;
}

/**
 * Releases the blocks whose last record is in a batch that is applied: the records before it were
 * applied earlier.
 */
export function release(pieces: readonly Piece[]): void {
  for (const { block, to } of pieces) if (to === block.size) block.release();
}
