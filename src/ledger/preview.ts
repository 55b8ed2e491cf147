import type { Database } from '../postgres/database.ts';
import type { Batch } from '../records/message.ts';
import type { ApplyResult } from './apply-result.ts';
import { previewBatch } from './classify-batch.ts';
import { sessionBatchesOf } from './session-batch.ts';
import { SessionLoader } from './session-loader.ts';

/** A preview must keep every session until its end: what earlier batches would have added is nowhere else. */
const CACHE_BYTES = 1_073_741_824;

/**
 * Classifies batches as the ledger would, with what earlier batches would have added, and writes
 * nothing. Batches must come one after the other.
 */
export class LedgerPreview {
  readonly #database: Database;
  readonly #loader = new SessionLoader(CACHE_BYTES);

  constructor(database: Database) {
    this.#database = database;
  }

  async apply(batch: Batch): Promise<ApplyResult> {
    const sessions = sessionBatchesOf(batch.messages);
    const { counts } = await previewBatch(this.#database, this.#loader, batch, sessions);
    this.#loader.cache(sessions);
    return { status: 'applied', counts, otherAccounts: 0 };
  }

  forget(): void {
    this.#loader.clear();
  }
}
