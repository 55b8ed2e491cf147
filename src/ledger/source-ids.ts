import { MEMORY_BUDGET } from '../config/memory-budget.ts';
import { int4Array, textArray } from '../postgres/arrays.ts';
import { type Database, inTransaction } from '../postgres/database.ts';
import type { Queryable } from '../postgres/statement.ts';
import type { BillableMessage } from '../records/message.ts';
import { type Names, type NumberedNames, SourceNames } from './source-names.ts';
import { StaleCacheError } from './stale-cache.ts';
import type { FenceRow, UsedNames } from './statements/fence.ts';
import { addSources, readSources } from './statements/sources.ts';

/** Some thousands of names: a service uses a handful, one with a model for each customer uses more. */
const MAX_BYTES = MEMORY_BUDGET.sourceNames;

/** The names that one batch uses, with their numbers in `usage_source`. */
export class BatchSources {
  /** Each once; the batch's transaction compares them with the table. */
  readonly used: readonly NumberedNames[];
  readonly #names: SourceNames;

  constructor(names: SourceNames, used: readonly NumberedNames[]) {
    this.#names = names;
    this.used = used;
  }

  /** @param message of the batch */
  idOf(message: BillableMessage): number {
    const found = this.#names.find(message);
    if (found === undefined) throw new Error('source names were not prepared before the batch');
    return found.id;
  }
}

/**
 * A cache of the numbers of the names that entries share (metric type, provider, model). New names are
 * numbered in a transaction of their own, before the batch. Numbers may still be lost when the database
 * is restored to an earlier moment, so the batch's transaction compares those that it uses.
 */
export class SourceIds {
  readonly #database: Database;
  #names = new SourceNames();

  constructor(database: Database) {
    this.#database = database;
  }

  /** Finds the numbers of all names in these sessions, in the cache or in the database. */
  async prepare(
    sessions: readonly { readonly billable: readonly BillableMessage[] }[],
  ): Promise<BatchSources> {
    // A batch keeps the names that it began with, even if the cache is cleared meanwhile.
    const names = this.#names;
    const { used, missing } = names.collect(sessions);
    if (missing.length > 0) {
      const rows = await inTransaction(this.#database, (connection) =>
        numberNames(connection, missing),
      );
      for (const row of rows) used.push(names.add(row));
      if (names.bytes > MAX_BYTES && this.#names === names) this.clear();
    }
    return new BatchSources(names, used);
  }

  clear(): void {
    this.#names = new SourceNames();
  }
}

/** Numbers the names that have no number yet. */
export async function numberNames(
  connection: Queryable,
  names: readonly Names[],
): Promise<NumberedNames[]> {
  const parameters = parametersOf(names);
  await addSources.run(connection, parameters);
  const rows = await readSources.run(connection, parameters);
  return rows.map(({ metric_type: metricType, provider, model, source_id: id }) => {
    return { metricType, provider, model, id };
  });
}

/** The names of a batch, for its transaction to compare with the table. */
export function usedNames({ used }: BatchSources): UsedNames {
  return { sourceIds: int4Array(used.map(({ id }) => id)), ...parametersOf(used) };
}

/**
 * @returns the number of the type `ledger_page_row_2` in this database
 * @throws {StaleCacheError} when the table has other numbers than the cache
 */
export function rowOidIfCurrent(facts: FenceRow | undefined, { used }: BatchSources): number {
  if (Number(facts?.known_names) !== used.length) {
    throw new StaleCacheError('usage_source has other numbers than were cached');
  }
  return Number(facts?.row_oid);
}

function parametersOf(names: readonly Names[]) {
  return {
    metricTypes: textArray(names.map(({ metricType }) => metricType)),
    providers: textArray(names.map(({ provider }) => provider)),
    models: textArray(names.map(({ model }) => model)),
  };
}
