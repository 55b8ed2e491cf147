import type { Metric, Registry } from 'prom-client';
import { METRICS, type NameOf } from './metric-list.ts';
import { PREFIX } from './metric-spec.ts';

/** How many observations each bucket has, the last one for those beyond all bounds, then their sum. */
type Series = Float64Array;

/**
 * A histogram with a series for each place. That of prom-client finds its series by hashing the labels
 * at every observation, which for each event would take longer than to read its values.
 */
export class FastHistogram {
  readonly #name: NameOf<'histogram'>;
  readonly #bounds: readonly number[];
  readonly #labelsOf: (place: number) => Readonly<Record<string, string>>;
  readonly #series: (Series | undefined)[] = [];
  #last = 0;

  /** @param labelsOf the labels of a place; without, there is one place, 0 */
  constructor(
    registry: Registry,
    name: NameOf<'histogram'>,
    labelsOf?: (place: number) => Readonly<Record<string, string>>,
  ) {
    this.#name = name;
    this.#bounds = METRICS[name].buckets;
    this.#labelsOf = labelsOf ?? (() => ({}));
    // From 0: a rate does not see what a series begins with.
    if (labelsOf === undefined) this.#series[0] = this.#emptySeries();
    // prom-client declares its own classes, and needs of a metric only what is here.
    const metric = { name: PREFIX + name, get: async () => this.#get() };
    registry.registerMetric(metric as unknown as Metric);
  }

  observe(place: number, value: number): void {
    const bounds = this.#bounds;
    let series = this.#series[place];
    if (series === undefined) {
      series = this.#emptySeries();
      this.#series[place] = series;
    }
    const bucket = this.#bucketOf(value);
    const sum = bounds.length + 1;
    series[bucket] = (series[bucket] as number) + 1;
    series[sum] = (series[sum] as number) + value;
  }

  #emptySeries(): Series {
    return new Float64Array(this.#bounds.length + 2);
  }

  /** Values that follow each other are often in one bucket: the search begins at the last one. */
  #bucketOf(value: number): number {
    const bounds = this.#bounds;
    let bucket = this.#last;
    while (bucket > 0 && value <= (bounds[bucket - 1] as number)) bucket -= 1;
    while (bucket < bounds.length && value > (bounds[bucket] as number)) bucket += 1;
    this.#last = bucket;
    return bucket;
  }

  #get() {
    const name = PREFIX + this.#name;
    const values = this.#series.flatMap((series, place) =>
      series === undefined ? [] : this.#valuesOf(name, series, this.#labelsOf(place)),
    );
    const { help } = METRICS[this.#name];
    return { name, help, type: 'histogram', aggregator: 'sum', values };
  }

  #valuesOf(name: string, series: Series, labels: Readonly<Record<string, string>>) {
    const bounds = [...this.#bounds, '+Inf'];
    let count = 0;
    const buckets = bounds.map((le, i) => {
      count += series[i] as number;
      return { metricName: `${name}_bucket`, labels: { ...labels, le }, value: count };
    });
    const sum = series[bounds.length] as number;
    return [
      ...buckets,
      { metricName: `${name}_sum`, labels, value: sum },
      { metricName: `${name}_count`, labels, value: count },
    ];
  }
}
