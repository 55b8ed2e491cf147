import type { BillableMessage } from '../records/message.ts';

/** What entries share. */
export interface Names {
  readonly metricType: string;
  readonly provider: string;
  readonly model: string;
}

/** With their number in `usage_source`. */
export interface NumberedNames extends Names {
  readonly id: number;
}

/** With the last batch that used them, so that each is collected once. */
type Entry = NumberedNames & { usedBy: object | undefined };

/** Estimated memory of an entry without its texts. */
const ENTRY_BYTES = 200;

/** Names and their numbers, in memory. */
export class SourceNames {
  readonly #entries = new Map<string, Map<string, Map<string, Entry>>>();
  /** The last one that was found, by metric type: the events of a session are mostly of one model. */
  readonly #last = new Map<string, Entry>();
  #bytes = 0;

  /** Estimated memory of all names. */
  get bytes(): number {
    return this.#bytes;
  }

  find(message: Names): NumberedNames | undefined {
    return this.#find(message);
  }

  /** The names in these messages, each once: those that have a number here, and those that have not. */
  collect(sessions: readonly { readonly billable: readonly BillableMessage[] }[]): {
    used: NumberedNames[];
    missing: Names[];
  } {
    const batch = {};
    const used: NumberedNames[] = [];
    const missing = new Map<string, Names>();
    for (const { billable } of sessions) {
      for (const message of billable) {
        const entry = this.#find(message);
        if (entry === undefined) {
          const { metricType, provider, model } = message;
          const names = { metricType, provider, model };
          missing.set(JSON.stringify([metricType, provider, model]), names);
        } else if (entry.usedBy !== batch) {
          entry.usedBy = batch;
          used.push(entry);
        }
      }
    }
    return { used, missing: [...missing.values()] };
  }

  /** A name that has a number keeps it: batches use the number that they compared. */
  add(names: NumberedNames): NumberedNames {
    const { metricType, provider, model } = names;
    const byProvider = this.#entries.get(metricType) ?? new Map<string, Map<string, Entry>>();
    this.#entries.set(metricType, byProvider);
    const byModel = byProvider.get(provider) ?? new Map<string, Entry>();
    byProvider.set(provider, byModel);
    const known = byModel.get(model);
    if (known !== undefined) return known;
    const entry = { ...names, usedBy: undefined };
    byModel.set(model, entry);
    this.#bytes += ENTRY_BYTES + 2 * (provider.length + model.length);
    return entry;
  }

  #find({ metricType, provider, model }: Names): Entry | undefined {
    const last = this.#last.get(metricType);
    if (last?.model === model && last.provider === provider) return last;
    const entry = this.#entries.get(metricType)?.get(provider)?.get(model);
    if (entry !== undefined) this.#last.set(metricType, entry);
    return entry;
  }
}
