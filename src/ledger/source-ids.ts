import { textArray } from '../postgres/arrays.ts';
import { MEMORY_BUDGET } from '../config/memory-budget.ts';
import { type Database, inTransaction } from '../postgres/database.ts';
import type { BillableMessage } from '../records/message.ts';
import { type NumberedNames, SourceNames } from './source-names.ts';
import { addSources, readSources } from './statements/sources.ts';

/** A service uses a handful of names, one that names every customer's model more. */
const MAX_BYTES = MEMORY_BUDGET.sourceNames;

/** The numbers of the names that one batch uses. */
export class BatchSources {
  /** Each once; the batch's transaction compares them with the table. */
  readonly used: readonly NumberedNames[];
  readonly #names: SourceNames;

  constructor(names: SourceNames, used: readonly NumberedNames[]) {
    this.#names = names;
    this.used = used;
  }

  /** @param message one of the batch */
  idOf(message: BillableMessage): number {
    const found = this.#names.find(message);
    if (found === undefined) throw new Error('source names were not prepared before the batch');
    return found.id;
  }
}

/**
 * The numbers of the names that entries share (metric type, provider, model). They are given out in
 * a transaction of their own, before the batch. What is remembered may be lost all the same, when the
 * database is restored to an earlier moment: the batch's transaction compares what it uses.
 */
export class SourceIds {
  readonly #database: Database;
  #names = new SourceNames();

  constructor(database: Database) {
    this.#database = database;
  }

  /** Finds the numbers of all names in these sessions, in memory or in the database. */
  async prepare(
    works: readonly { readonly billable: readonly BillableMessage[] }[],
  ): Promise<BatchSources> {
    // A batch keeps the names that it began with, whatever is forgotten meanwhile.
    const names = this.#names;
    const { used, missing } = names.collect(works);
    if (missing.length > 0) {
      for (const row of await this.#number(missing)) {
        const { metric_type: metricType, provider, model, source_id: id } = row;
        used.push(names.add({ metricType, provider, model, id }));
      }
      if (names.bytes > MAX_BYTES && this.#names === names) this.forget();
    }
    return new BatchSources(names, used);
  }

  forget(): void {
    this.#names = new SourceNames();
  }

  async #number(missing: readonly Pick<BillableMessage, 'metricType' | 'provider' | 'model'>[]) {
    const names = {
      metricTypes: textArray(missing.map(({ metricType }) => metricType)),
      providers: textArray(missing.map(({ provider }) => provider)),
      models: textArray(missing.map(({ model }) => model)),
    };
    return inTransaction(this.#database, async (connection) => {
      await addSources.run(connection, names);
      return readSources.run(connection, names);
    });
  }
}
