import type { Connection } from '../postgres/database.ts';
import type { Batch, BillableMessage } from '../records/message.ts';
import { PageWriter } from './page-writer.ts';
import type { SessionBatch } from './session-batch.ts';
import type { BatchSources } from './source-ids.ts';
import { insertPages } from './statements/pages.ts';
import { addUsage } from './statements/usage.ts';
import { BatchUsage } from './usage-delta.ts';

/** The two writes that apply the fresh messages of a batch. */
export interface EncodedEntries {
  /** Adds the entries to the itemised ledger. */
  writePages(connection: Connection): Promise<void>;
  /** Adds their sums to what is billed. */
  addUsage(connection: Connection): Promise<void>;
}

/** Encodes what batches add to the ledger. The memory of a batch, some megabytes, is used again. */
export class EntryWriter {
  readonly #pageMemories: Buffer[] = [];
  readonly #usageMemories: Buffer[] = [];

  /**
   * @param sessions classified, and locked where they have fresh messages
   * @param rowOid of the type `ledger_page_row` in this database
   */
  encode(
    { topic, partition }: Pick<Batch, 'topic' | 'partition'>,
    sessions: readonly SessionBatch[],
    sources: BatchSources,
    { rowOid, applied }: { readonly rowOid: number; readonly applied: number },
  ): EncodedEntries {
    const source = { topic, partition, isCorrection: false };
    const idOf = (message: BillableMessage) => sources.idOf(message);
    const pages = new PageWriter(rowOid, source, idOf, applied, this.#pageMemories.pop());
    const usage = new BatchUsage(this.#usageMemories.pop());
    // Session by session into both: the digits of a number are found once for the two of them.
    for (const { sessionId, touched, outcomes } of sessions) {
      const fresh = outcomes?.fresh ?? [];
      if (touched === undefined || fresh.length === 0) continue;
      pages.add(sessionId, touched, fresh);
      usage.add(sessionId, fresh);
    }
    const rows = pages.finish();
    const sums = usage.parameters();
    return {
      writePages: async (connection) => {
        if (rows !== undefined) await insertPages.run(connection, { rows });
        this.#pageMemories.push(pages.memory);
      },
      addUsage: async (connection) => {
        if (sums !== undefined) await addUsage.run(connection, sums);
        if (usage.memory !== undefined) this.#usageMemories.push(usage.memory);
      },
    };
  }
}
