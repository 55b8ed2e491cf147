import type { SpareBuffers } from '../bytes/spare-buffers.ts';
import { BinaryRows } from '../postgres/binary-rows.ts';
import type { Batch, BillableMessage } from '../records/message.ts';
import { ENTRY_BYTES, PageWriter } from './page-writer.ts';
import type { BatchSessions } from './session-batch.ts';
import type { BatchSources } from './source-ids.ts';
import type { UsageParameters } from './statements/usage.ts';
import { BatchUsage } from './usage-delta.ts';

/** Of one page and one sum, whatever they have. */
const FIRST_BYTES = 4_096;
/** About what an event adds to the sums: several events share a row. */
const SUM_BYTES = 96;

/** The fresh messages of some batches as parameters; `undefined`: there are none. */
export interface EncodedEntries {
  /** Their entries, for `insertPages`. */
  readonly pages: Buffer | undefined;
  /** Their sums, for `addUsage`. */
  readonly usage: UsageParameters | undefined;
  /** Of both of them; `SpareBuffers` gets it back when they are not needed any more. */
  readonly memory: Buffer;
}

/**
 * Encodes what batches add to the ledger.
 *
 * @param parts with sessions that are classified, and locked where they have fresh messages
 * @param rowOid of the type `ledger_page_row_2` in this database
 */
export function encodeEntries(
  parts: readonly BatchSessions<Pick<Batch, 'topic' | 'partition'>>[],
  sources: BatchSources,
  { rowOid, applied }: { readonly rowOid: number; readonly applied: number },
  buffers: SpareBuffers,
): EncodedEntries {
  const idOf = (message: BillableMessage) => sources.idOf(message);
  const rows = new BinaryRows(
    rowOid,
    buffers.take(FIRST_BYTES + applied * (ENTRY_BYTES + SUM_BYTES)),
  );
  const pages = new PageWriter(rows, idOf);
  const usage = new BatchUsage();
  // Session by session into both: the digits of a number are found once for the two of them.
  for (const { batch, sessions } of parts) {
    const { topic, partition } = batch;
    const source = { topic, partition, isCorrection: false };
    for (const { sessionId, touched, outcomes } of sessions) {
      const fresh = outcomes?.fresh ?? [];
      if (touched === undefined || fresh.length === 0) continue;
      pages.add(source, sessionId, touched, fresh);
      usage.add(sessionId, fresh);
    }
  }
  // Both into one memory, one after the other.
  return { pages: pages.finish(), usage: usage.parameters(rows), memory: rows.memory };
}
