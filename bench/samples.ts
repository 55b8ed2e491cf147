/** Repeated measurements by name. */
export class Samples {
  readonly #samples = new Map<string, number[]>();

  add(name: string, value: number): void {
    const values = this.#samples.get(name) ?? [];
    values.push(value);
    this.#samples.set(name, values);
  }

  medians(): Record<string, number> {
    return this.#each((values) => {
      const sorted = [...values].sort((a, b) => a - b);
      const middle = sorted.length >> 1;
      const upper = sorted[middle] ?? Number.NaN;
      return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? upper) + upper) / 2;
    });
  }

  /** Lowest and highest value, for a person. */
  spread(): Record<string, string> {
    return this.#each((values) => {
      const [low, high] = [Math.min(...values), Math.max(...values)];
      return `${Math.round(low)} to ${Math.round(high)} in ${values.length}`;
    });
  }

  #each<T>(of: (values: readonly number[]) => T): Record<string, T> {
    return Object.fromEntries([...this.#samples].map(([name, values]) => [name, of(values)]));
  }
}
