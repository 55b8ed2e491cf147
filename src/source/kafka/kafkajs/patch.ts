/** A module of kafkajs that is replaced. */
export interface Patch<Module = unknown> {
  /** In kafkajs's `src`. */
  readonly file: string;
  readonly replace: (original: Module) => unknown;
}
