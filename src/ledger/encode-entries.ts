import type { Batch, BillableMessage } from '../records/message.ts';
import { PageWriter } from './page-writer.ts';
import type { BatchSessions } from './session-batch.ts';
import type { BatchSources } from './source-ids.ts';
import type { UsageParameters } from './statements/usage.ts';
import { BatchUsage } from './usage-delta.ts';

/** The fresh messages of some batches as parameters; `undefined`: there are none. */
export interface EncodedEntries {
  /** Their entries, for `insertPages`. */
  readonly pages: Buffer | undefined;
  /** Their sums, for `addUsage`. */
  readonly usage: UsageParameters | undefined;
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
): EncodedEntries {
  const idOf = (message: BillableMessage) => sources.idOf(message);
  const pages = new PageWriter(rowOid, idOf, applied);
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
  return { pages: pages.finish(), usage: usage.parameters() };
}
