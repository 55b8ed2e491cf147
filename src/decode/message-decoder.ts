import type { BillableMetric } from '../identify/identity.ts';
import type { BillableMessage, Message } from '../records/message.ts';
import type { RecordBlock } from '../records/record-block.ts';

/**
 * Decodes, validates and identifies records: as far as a record can be taken without the ledger. A
 * decoder is made for a batch, with the schemas of all schema ids in it.
 *
 * `AvroDecoder` is the reference. `ColumnarDecoder` is faster for the records that it takes, and leaves
 * all others to the decoder it is given. One suite runs over both: test/decode/conformance.ts.
 */
export interface MessageDecoder {
  /**
   * Every record becomes exactly one message, with the record's offset. It does not block, and the same
   * record gives the same message each time. It never throws for what a record holds: bytes that
   * cannot be applied become a dead letter with its reason. What a message says is read out of the
   * block as late as it is asked for, so that no message may be used after its block is released.
   *
   * @throws when the schema of the record was not loaded, which is a bug of the caller
   */
  decode(block: RecordBlock, index: number): Message;

  /**
   * The whole metric of a message that was decoded with the same schemas; of few it is needed.
   *
   * @throws when its block is released
   */
  metricOf(message: BillableMessage): BillableMetric;
}
