/** So many pairs of provider and model get labels of their own; see `ModelLabels`. */
export const MOST_MODELS = 100;
/** Longer names get none. */
const MOST_CHARACTERS = 128;
const OTHER = 'other';

/** A pair of provider and model, as labels. */
export interface ModelLabel {
  readonly provider: string;
  readonly model: string;
  /** From 0 on; of all pairs without labels of their own, the same. */
  readonly place: number;
}

/**
 * Labels for providers and models. Emitters name them freely, and every pair is a set of series in
 * Prometheus, so that only the first pairs that a worker meets get labels; all others share `other`.
 */
export class ModelLabels {
  readonly #most: number;
  /** By model first: few models are offered by several providers. */
  readonly #byModel = new Map<string, ModelLabel[]>();
  readonly #labels: ModelLabel[] = [];
  #other: ModelLabel | undefined;
  /** Those of the event before, which are often those of the next one. */
  #last: ModelLabel | undefined;

  constructor(most = MOST_MODELS) {
    this.#most = most;
  }

  /** Those that were given out, by their place. */
  get labels(): readonly ModelLabel[] {
    return this.#labels;
  }

  of(provider: string, model: string): ModelLabel {
    const last = this.#last;
    if (last !== undefined && last.model === model && last.provider === provider) return last;
    const label = this.#find(provider, model) ?? this.#add(provider, model);
    this.#last = label;
    return label;
  }

  #find(provider: string, model: string): ModelLabel | undefined {
    const labels = this.#byModel.get(model);
    if (labels === undefined) return undefined;
    for (const label of labels) if (label.provider === provider) return label;
    return undefined;
  }

  #add(provider: string, model: string): ModelLabel {
    const isLong = provider.length > MOST_CHARACTERS || model.length > MOST_CHARACTERS;
    const isFull = this.#labels.length - (this.#other === undefined ? 0 : 1) >= this.#most;
    if (isLong || isFull) {
      this.#other ??= this.#push(OTHER, OTHER);
      return this.#other;
    }
    const label = this.#push(provider, model);
    const labels = this.#byModel.get(model) ?? [];
    labels.push(label);
    this.#byModel.set(model, labels);
    return label;
  }

  #push(provider: string, model: string): ModelLabel {
    const label = { provider, model, place: this.#labels.length };
    this.#labels.push(label);
    return label;
  }
}
