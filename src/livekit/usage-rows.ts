/**
 * Rows keyed by the pair (provider, model), kept in order of first appearance.
 * Two levels of Map, since a joined key is ambiguous ("a|b","c" and "a","b|c"), and since names such
 * as `__proto__` are plain keys of a Map.
 */
export class UsageRows<Row extends object> {
  readonly #byProvider = new Map<string, Map<string, Row>>();
  readonly #inOrder: Row[] = [];
  readonly #create: (provider: string, model: string) => Row;

  constructor(create: (provider: string, model: string) => Row) {
    this.#create = create;
  }

  /** The row of this pair, created on first use. */
  get(provider: string, model: string): Row {
    let byModel = this.#byProvider.get(provider);
    if (byModel === undefined) {
      byModel = new Map();
      this.#byProvider.set(provider, byModel);
    }
    let row = byModel.get(model);
    if (row === undefined) {
      row = this.#create(provider, model);
      byModel.set(model, row);
      this.#inOrder.push(row);
    }
    return row;
  }

  /** Copies of the rows, in order of first appearance. */
  copies(): Row[] {
    return this.#inOrder.map((row) => ({ ...row }));
  }
}
