import type { Batch, BillableMessage } from '../records/message.ts';
import { PageWriter } from './page-writer.ts';
import type { SessionBatch } from './session-batch.ts';
import type { BatchSources } from './source-ids.ts';
import type { UsageParameters } from './statements/usage.ts';
import { BatchUsage } from './usage-delta.ts';

/** The fresh messages of a batch as parameters; `undefined`: there are none. */
export interface EncodedEntries {
  /** Their entries, for `insertPages`. */
  readonly pages: Buffer | undefined;
  /** Their sums, for `addUsage`. */
  readonly usage: UsageParameters | undefined;
}

/**
 * Encodes what a batch adds to the ledger.
 *
 * @param sessions classified, and locked where they have fresh messages
 * @param rowOid of the type `ledger_page_row_2` in this database
 */
export function encodeEntries(
  { topic, partition }: Pick<Batch, 'topic' | 'partition'>,
  sessions: readonly SessionBatch[],
  sources: BatchSources,
  { rowOid, applied }: { readonly rowOid: number; readonly applied: number },
): EncodedEntries {
  const source = { topic, partition, isCorrection: false };
  const idOf = (message: BillableMessage) => sources.idOf(message);
  const pages = new PageWriter(rowOid, source, idOf, applied);
  const usage = new BatchUsage();
  // Session by session into both: the digits of a number are found once for the two of them.
  for (const { sessionId, touched, outcomes } of sessions) {
    const fresh = outcomes?.fresh ?? [];
    if (touched === undefined || fresh.length === 0) continue;
    pages.add(sessionId, touched, fresh);
    usage.add(sessionId, fresh);
  }
  return { pages: pages.finish(), usage: usage.parameters() };
}
