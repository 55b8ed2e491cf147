import { messageOf } from '../errors.ts';
import { readerFor, type SchemaReader } from './reader.ts';
import { isPossibleSchemaId } from './wire-format.ts';

/** What a registry says of one schema id. */
export type SchemaAnswer =
  | { readonly found: true; readonly schema: unknown }
  /** The registry was asked and has no such schema, or one that is not Avro. */
  | {
      readonly found: false;
      readonly reason: 'unknown_schema' | 'undecodable';
      readonly detail: string;
    };

/**
 * Asks the registry for the schema with this id.
 *
 * @throws when there is no answer (time-out, 5xx, refused credentials): it is then worth another try
 */
export type FetchSchema = (id: number) => Promise<SchemaAnswer>;

/** How the messages of one schema id are read, or why they cannot be. */
export type SchemaEntry =
  | SchemaReader
  | {
      readonly reader: undefined;
      readonly reason: 'unknown_schema' | 'undecodable';
      readonly detail: string;
    };

/** A "no" is believed for this long: a schema may be registered after its first message arrived. */
const NEGATIVE_TTL_MS = 30_000;
/**
 * Rubbish can name any number of ids. From this many "no"s on, those are forgotten that have not
 * been believed for a while: whoever loaded them has long prepared its batch.
 */
const MANY_NEGATIVE = 10_000;
const FORGOTTEN_AFTER_MS = 30_000;
const CONCURRENT_FETCHES = 8;

/**
 * Readers by schema id. A reader is made once for each id and kept; each unknown id is asked for
 * once at a time, whoever waits for it.
 */
export class SchemaCache {
  readonly #fetch: FetchSchema;
  readonly #now: () => number;
  readonly #readers = new Map<number, SchemaEntry>();
  readonly #negative = new Map<number, { entry: SchemaEntry; until: number }>();
  readonly #pending = new Map<number, Promise<void>>();

  constructor(fetch: FetchSchema, now: () => number = Date.now) {
    this.#fetch = fetch;
    this.#now = now;
  }

  /**
   * The entry of `id`, or `undefined` when `load` must be awaited first. What was loaded can be got
   * for at least half a minute, so that a batch is prepared from the answers that it began with.
   */
  get(id: number): SchemaEntry | undefined {
    const known = this.#readers.get(id);
    if (known !== undefined) return known;
    if (!isPossibleSchemaId(id)) {
      return { reader: undefined, reason: 'unknown_schema', detail: `${id} is not a schema id` };
    }
    return this.#negative.get(id)?.entry;
  }

  /** Whether `load` would have nothing to ask for. */
  has(ids: Iterable<number>): boolean {
    for (const id of ids) if (this.#isMissing(id)) return false;
    return true;
  }

  /**
   * Makes `get` answer for all of `ids`.
   *
   * @throws what `fetch` throws, when the registry gave no answer for one of them
   */
  async load(ids: Iterable<number>): Promise<void> {
    const missing = [...ids].filter((id) => this.#isMissing(id));
    for (let i = 0; i < missing.length; i += CONCURRENT_FETCHES) {
      await Promise.all(missing.slice(i, i + CONCURRENT_FETCHES).map((id) => this.#loadOne(id)));
    }
  }

  #isMissing(id: number): boolean {
    return this.get(id) === undefined || this.#isStale(id);
  }

  #isStale(id: number): boolean {
    const negative = this.#negative.get(id);
    return negative !== undefined && negative.until <= this.#now();
  }

  #loadOne(id: number): Promise<void> {
    let pending = this.#pending.get(id);
    if (pending === undefined) {
      pending = this.#ask(id).finally(() => this.#pending.delete(id));
      this.#pending.set(id, pending);
    }
    return pending;
  }

  async #ask(id: number): Promise<void> {
    const answer = await this.#fetch(id);
    if (answer.found) {
      this.#readers.set(id, entryFor(answer.schema));
      this.#negative.delete(id);
      return;
    }
    if (this.#negative.size >= MANY_NEGATIVE) this.#forget();
    const { reason, detail } = answer;
    const entry: SchemaEntry = { reader: undefined, reason, detail };
    this.#negative.delete(id);
    this.#negative.set(id, { entry, until: this.#now() + NEGATIVE_TTL_MS });
  }

  /** The oldest come first: each is set anew when it is asked for again. */
  #forget(): void {
    const before = this.#now() - FORGOTTEN_AFTER_MS;
    for (const [id, { until }] of this.#negative) {
      if (until > before) return;
      this.#negative.delete(id);
    }
  }
}

function entryFor(schema: unknown): SchemaEntry {
  try {
    return readerFor(schema);
  } catch (error) {
    const detail = `the schema cannot be resolved to ours: ${messageOf(error)}`;
    return { reader: undefined, reason: 'undecodable', detail };
  }
}
