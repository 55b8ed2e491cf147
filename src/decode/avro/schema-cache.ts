import { messageOf } from '../../errors.ts';
import { isPossibleSchemaId } from '../../records/wire-format.ts';
import { readerFor, type SchemaReader } from './reader.ts';

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
 * @throws when there is no answer (time-out, 5xx, rejected credentials): the caller may try again
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

/** The entries of some schema ids. Whoever decodes a batch keeps them until it is done. */
export interface SchemaEntries {
  get(id: number): SchemaEntry | undefined;
}

/** A "no" is cached for this long: a schema may be registered after its first message arrived. */
const NEGATIVE_TTL_MS = 30_000;
/** Hostile messages can name any number of ids. From this many "no"s on, expired ones are dropped. */
const MANY_NEGATIVE = 10_000;
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
  readonly #pending = new Map<number, Promise<SchemaEntry>>();
  /** Loads under way: until they end, however slow, nothing is dropped. */
  #loads = 0;

  constructor(fetch: FetchSchema, now: () => number = Date.now) {
    this.#fetch = fetch;
    this.#now = now;
  }

  /**
   * The entry of `id`; `undefined`: it is not loaded, or it was a "no" that has expired since. A
   * batch is decoded with what `known` or `load` returned, which no other caller can evict.
   */
  get(id: number): SchemaEntry | undefined {
    const known = this.#readers.get(id);
    if (known !== undefined) return known;
    if (!isPossibleSchemaId(id)) {
      return { reader: undefined, reason: 'unknown_schema', detail: `${id} is not a schema id` };
    }
    return this.#negative.get(id)?.entry;
  }

  /** The entries of `ids`; `undefined` when `load` has to ask for one of them. */
  known(ids: Iterable<number>): SchemaEntries | undefined {
    const entries = new Map<number, SchemaEntry>();
    for (const id of ids) {
      const entry = this.#isStale(id) ? undefined : this.get(id);
      if (entry === undefined) return undefined;
      entries.set(id, entry);
    }
    return entries;
  }

  /**
   * Asks the registry for those of `ids` that are not known.
   *
   * @returns the entries of all of them, for as long as the caller keeps them
   * @throws what `fetch` throws, when the registry gave no answer for one of them
   */
  async load(ids: Iterable<number>): Promise<SchemaEntries> {
    if (this.#loads === 0) this.#dropExpired();
    this.#loads += 1;
    try {
      const entries = new Map<number, SchemaEntry>();
      const missing: number[] = [];
      for (const id of ids) {
        const entry = this.#isStale(id) ? undefined : this.get(id);
        if (entry === undefined) missing.push(id);
        else entries.set(id, entry);
      }
      for (let i = 0; i < missing.length; i += CONCURRENT_FETCHES) {
        const turn = missing.slice(i, i + CONCURRENT_FETCHES);
        const loaded = await Promise.all(turn.map((id) => this.#loadOne(id)));
        for (const [j, entry] of loaded.entries()) entries.set(turn[j] as number, entry);
      }
      return entries;
    } finally {
      this.#loads -= 1;
    }
  }

  #isStale(id: number): boolean {
    const negative = this.#negative.get(id);
    return negative !== undefined && negative.until <= this.#now();
  }

  #loadOne(id: number): Promise<SchemaEntry> {
    let pending = this.#pending.get(id);
    if (pending === undefined) {
      pending = this.#ask(id).finally(() => this.#pending.delete(id));
      this.#pending.set(id, pending);
    }
    return pending;
  }

  async #ask(id: number): Promise<SchemaEntry> {
    const answer = await this.#fetch(id);
    if (answer.found) {
      const entry = entryFor(answer.schema);
      this.#readers.set(id, entry);
      this.#negative.delete(id);
      return entry;
    }
    const { reason, detail } = answer;
    const entry: SchemaEntry = { reader: undefined, reason, detail };
    this.#negative.delete(id);
    this.#negative.set(id, { entry, until: this.#now() + NEGATIVE_TTL_MS });
    return entry;
  }

  /** The oldest come first: each is added again when it is asked for again. */
  #dropExpired(): void {
    if (this.#negative.size < MANY_NEGATIVE) return;
    const now = this.#now();
    for (const [id, { until }] of this.#negative) {
      if (until > now) return;
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
