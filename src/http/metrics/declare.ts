import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import { type LabelOf, METRICS, type NameOf } from './metric-list.ts';
import { type MetricSpec, PREFIX } from './metric-spec.ts';

/** Declares a metric of the list. */
export function counter<N extends NameOf<'counter'>>(registry: Registry, name: N) {
  return new Counter<LabelOf<N>>(configOf<LabelOf<N>>(registry, name));
}

/** @param collect called at every scrape, to set the gauge */
export function gauge<N extends NameOf<'gauge'>>(
  registry: Registry,
  name: N,
  collect?: (gauge: Gauge<LabelOf<N>>) => void,
): Gauge<LabelOf<N>> {
  const declared: Gauge<LabelOf<N>> = new Gauge<LabelOf<N>>({
    ...configOf<LabelOf<N>>(registry, name),
    ...(collect && { collect: () => collect(declared) }),
  });
  return declared;
}

export function histogram<N extends NameOf<'histogram'>>(registry: Registry, name: N) {
  const { buckets } = METRICS[name];
  return new Histogram<LabelOf<N>>({
    ...configOf<LabelOf<N>>(registry, name),
    buckets: [...buckets],
  });
}

function configOf<L extends string>(registry: Registry, name: keyof typeof METRICS) {
  const { help, labels }: MetricSpec = METRICS[name];
  return { name: PREFIX + name, help, labelNames: labels as readonly L[], registers: [registry] };
}
