import { createLogger } from '../../../src/config/logger.ts';
import { SchemaCache } from '../../../src/decode/avro/schema-cache.ts';
import type { ApplyResult } from '../../../src/ledger/ledger.ts';
import type { Batch } from '../../../src/records/message.ts';
import { keyOf, type TopicPartition } from '../../../src/records/topic-partition.ts';
import { loadEnvelopeSchema } from '../../../src/schemas/load.ts';
import type { SourceListener } from '../../../src/source/partition-source.ts';
import { Worker } from '../../../src/worker/worker.ts';
import type { WorkerOptions } from '../../../src/worker/worker-context.ts';
import type { HeldCalls } from '../../support/memory-source/held-calls.ts';
import type { MemoryBroker } from '../../support/memory-source/memory-broker.ts';
import { MemorySource } from '../../support/memory-source/memory-source.ts';
import type { ModelPostgres } from './postgres.ts';
import type { ModelTopic } from './topic.ts';

const logger = createLogger('fatal');
const schema = loadEnvelopeSchema();
/** More than any run needs: a worker that looks up a position in a circle must not hang the test. */
const MOST_SEEKS = 1_000;

export interface Surroundings {
  readonly broker: MemoryBroker;
  readonly postgres: ModelPostgres;
  readonly topic: ModelTopic;
  readonly calls: HeldCalls;
  /** Called with each invariant that does not hold. */
  readonly violated: (what: string) => void;
}

export type Limits = Pick<
  WorkerOptions,
  'concurrentBatches' | 'maxEvents' | 'bufferBytes' | 'lingerMs'
> & {
  readonly maxFetch: number;
};

/** A real worker in the model: what it is given, and what it does with it, is watched. */
export class ModelMember {
  readonly name: string;
  readonly source: MemorySource;
  readonly worker: Worker;
  readonly #around: Surroundings;
  /** What the group last gave the worker; `undefined`: nothing, or it was revoked. */
  #share: ReadonlySet<string> | undefined;
  #isStopped = false;
  #seeks = 0;

  constructor(name: string, around: Surroundings, { maxFetch, ...limits }: Limits) {
    const { broker, postgres, calls, violated } = around;
    this.name = name;
    this.#around = around;
    this.source = new MemorySource({
      broker,
      groupId: 'group',
      topics: ['calls'],
      calls,
      name,
      maxFetch,
    });
    const start = this.source.start.bind(this.source);
    this.source.start = (listener) => start(this.#watched(listener));
    const seek = this.source.seek.bind(this.source);
    this.source.seek = (where, offset) => {
      this.#seeks += 1;
      if (this.#seeks > MOST_SEEKS) {
        violated(`${name}: looks up positions without end`);
        throw new Error('too many seeks');
      }
      seek(where, offset);
    };
    this.worker = new Worker({
      groupId: 'group',
      topics: ['calls'],
      source: this.source,
      database: postgres.client(name, calls),
      ledger: {
        apply: (batch) => this.#apply(batch),
        applyTogether: (batches) => this.#applyTogether(batches),
        forget: () => violated(`${name}: the position went back, says the worker`),
      },
      schemas: new SchemaCache((id) =>
        calls.call(`${name}: schema ${id}`, () => ({ found: true, schema })),
      ),
      logger,
      deadLetterLimit: 1,
      ...limits,
    });
    this.worker.failure.catch((error) => violated(`${name}: failed: ${error}`));
  }

  async stop(): Promise<void> {
    await this.worker.stop(2_000);
    this.#isStopped = true;
  }

  #apply(batch: Batch): Promise<ApplyResult> {
    const what = `${this.name}: apply ${shown(batch)}`;
    this.#checkMayApply(batch, what);
    return this.#around.calls.call(what, () => this.#book(batch, what));
  }

  /** In one transaction; what another one holds is left out. */
  #applyTogether(batches: readonly Batch[]): Promise<(ApplyResult | undefined)[]> {
    const { calls, postgres } = this.#around;
    const what = `${this.name}: apply together ${batches.map(shown).join('; ')}`;
    for (const batch of batches) this.#checkMayApply(batch, what);
    return calls.call(what, () =>
      batches.map((batch) => (postgres.isHeld(keyOf(batch)) ? undefined : this.#book(batch, what))),
    );
  }

  #checkMayApply(batch: Batch, what: string): void {
    const { violated } = this.#around;
    if (this.#isStopped) violated(`${what}: the worker has stopped`);
    if (this.#share?.has(keyOf(batch)) !== true) violated(`${what}: it is not the worker's`);
  }

  #book(batch: Batch, what: string): ApplyResult {
    const { topic, postgres, violated } = this.#around;
    return postgres.book(batch, () => {
      const difference = topic.difference(batch);
      if (difference !== undefined) violated(`${what}: ${difference}`);
    });
  }

  #watched(listener: SourceListener): SourceListener {
    return {
      assigned: (partitions: readonly TopicPartition[]) => {
        this.#share = new Set(partitions.map(keyOf));
        listener.assigned(partitions);
      },
      revoked: () => {
        this.#share = undefined;
        listener.revoked();
      },
      fetched: (batch) => listener.fetched(batch),
      unreadable: (part) => listener.unreadable(part),
      missing: (topics) => listener.missing(topics),
    };
  }
}

function shown(batch: Batch): string {
  const { fromOffset, nextOffset, pass } = batch;
  return `${keyOf(batch)} ${fromOffset} to ${nextOffset}, pass ${pass}`;
}
