import type { Database } from './database.ts';
import type { ApplyResult } from './ledger.ts';
import { type Batch, countsOf } from './message.ts';
import { SessionMemory } from './session-memory.ts';
import { sessionsOf, settle } from './session-work.ts';

/** What is known of every session of a preview is kept until it ends. */
const MEMORY_BYTES = 1_073_741_824;

/**
 * Tells what would become of batches, and writes nothing: the first two steps of the ledger, with
 * what earlier batches would have added. Batches must come one after the other.
 */
export class LedgerPreview {
  readonly #database: Database;
  readonly #sessions = new SessionMemory(MEMORY_BYTES);

  constructor(database: Database) {
    this.#database = database;
  }

  async apply(batch: Batch): Promise<ApplyResult> {
    const works = [...sessionsOf(batch.messages).values()];
    const counts = countsOf(batch.messages);
    await this.#sessions.recall(this.#database, works);
    for (const work of works) {
      const { state, accountId } = work;
      // As if it had been locked at what is known of it.
      work.touched = {
        revision: (state?.revision ?? 0n) + 1n,
        period: state?.period ?? '',
        accountId: state?.accountId ?? accountId,
      };
      settle(work, counts);
    }
    this.#sessions.remember(works);
    return { status: 'applied', counts, otherAccounts: 0 };
  }

  forget(): void {
    this.#sessions.forget();
  }
}
