import { textArray } from './array-literal.ts';
import { type Database, onConnection } from './database.ts';
import type { BillableMessage } from './message.ts';
import { addSources, readSources } from './statements/sources.ts';

/**
 * The numbers of the names that entries share (metric type, provider, model). They are given out in
 * a transaction of their own, before the batch: a number that is remembered here is committed.
 */
export class SourceIds {
  readonly #database: Database;
  readonly #ids = new Map<string, Map<string, Map<string, number>>>();

  /** By metric type, what was found last: the events of a session are mostly of one model. */
  readonly #last = new Map<string, { provider: string; model: string; id: number }>();

  constructor(database: Database) {
    this.#database = database;
  }

  /** @param message its names must have been prepared */
  idOf(message: BillableMessage): number {
    const id = this.#find(message);
    if (id === undefined) throw new Error('source names were not prepared before the batch');
    return id;
  }

  /** Makes `idOf` answer for the messages of these sessions. */
  async prepare(
    works: readonly { readonly billable: readonly BillableMessage[] }[],
  ): Promise<void> {
    const missing = new Map<string, BillableMessage>();
    for (const { billable } of works) {
      for (const message of billable) {
        if (this.#find(message) !== undefined) continue;
        const { metricType, provider, model } = message;
        missing.set(JSON.stringify([metricType, provider, model]), message);
      }
    }
    if (missing.size === 0) return;
    const list = [...missing.values()];
    const names = {
      metricTypes: textArray(list.map(({ metricType }) => metricType)),
      providers: textArray(list.map(({ provider }) => provider)),
      models: textArray(list.map(({ model }) => model)),
    };
    const rows = await onConnection(this.#database, async (connection) => {
      await addSources.run(connection, names);
      return readSources.run(connection, names);
    });
    for (const row of rows) {
      this.#remember(row.metric_type, row.provider, row.model, row.source_id);
    }
  }

  #find({ metricType, provider, model }: BillableMessage): number | undefined {
    const last = this.#last.get(metricType);
    if (last?.model === model && last.provider === provider) return last.id;
    const id = this.#ids.get(metricType)?.get(provider)?.get(model);
    if (id !== undefined) this.#last.set(metricType, { provider, model, id });
    return id;
  }

  #remember(metricType: string, provider: string, model: string, id: number): void {
    const byProvider = this.#ids.get(metricType) ?? new Map<string, Map<string, number>>();
    this.#ids.set(metricType, byProvider);
    const byModel = byProvider.get(provider) ?? new Map<string, number>();
    byProvider.set(provider, byModel);
    byModel.set(model, id);
  }
}
