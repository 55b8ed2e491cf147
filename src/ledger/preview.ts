import type { Database } from '../postgres/database.ts';
import { type Batch, countsOf } from '../records/message.ts';
import { previewBatch } from './classify-batch.ts';
import type { ApplyResult } from './ledger.ts';
import { sessionsOf } from './session-batch.ts';
import { SessionLoader } from './session-loader.ts';

/** What is known of every session of a preview is kept until it ends. */
const MEMORY_BYTES = 1_073_741_824;

/**
 * Tells what would become of batches, and writes nothing: the first two steps of the ledger, with
 * what earlier batches would have added. Batches must come one after the other.
 */
export class LedgerPreview {
  readonly #database: Database;
  readonly #sessions = new SessionLoader(MEMORY_BYTES);

  constructor(database: Database) {
    this.#database = database;
  }

  async apply(batch: Batch): Promise<ApplyResult> {
    const works = [...sessionsOf(batch.messages).values()];
    const counts = countsOf(batch.messages);
    await previewBatch(this.#database, this.#sessions, batch, works, counts);
    this.#sessions.remember(works);
    return { status: 'applied', counts, otherAccounts: 0, refused: [] };
  }

  forget(): void {
    this.#sessions.forget();
  }
}
