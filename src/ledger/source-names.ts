import type { BillableMessage } from '../records/message.ts';

/** Names that entries share, and their number in `usage_source`. */
export interface NumberedNames {
  readonly metricType: string;
  readonly provider: string;
  readonly model: string;
  readonly id: number;
}

type Names = Pick<BillableMessage, 'metricType' | 'provider' | 'model'>;

/** With the batch that used them last, so that each is collected once. */
type Entry = NumberedNames & { usedBy: object | undefined };

/** About what an entry takes beside its texts. */
const ENTRY_BYTES = 200;

/** Numbers of names in memory. */
export class SourceNames {
  readonly #entries = new Map<string, Map<string, Map<string, Entry>>>();
  /** By metric type, what was found last: the events of a session are mostly of one model. */
  readonly #last = new Map<string, Entry>();
  #bytes = 0;

  /** About what the names take in memory. */
  get bytes(): number {
    return this.#bytes;
  }

  find(message: Names): NumberedNames | undefined {
    return this.#find(message);
  }

  /** Each name in these messages once: those that are known, and those that are not. */
  collect(works: readonly { readonly billable: readonly BillableMessage[] }[]): {
    used: NumberedNames[];
    missing: Names[];
  } {
    const batch = {};
    const used: NumberedNames[] = [];
    const missing = new Map<string, Names>();
    for (const { billable } of works) {
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

  /** What is known already stays: a batch uses the number that it compared. */
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
