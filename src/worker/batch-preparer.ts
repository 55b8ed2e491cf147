import { MAX_BATCH_BYTES } from '../config/memory-budget.ts';
import { DeadLetterWindow } from './dead-letter-window.ts';
import { type DependencyRetry, REGISTRY } from './dependency-retry.ts';
import { type BatchOrigin, type Prepared, prepareSlice } from './prepare-slice.ts';
import type { RecordIntake } from './record-intake.ts';
import type { WorkerContext } from './worker-context.ts';

export interface BatchPreparerOptions
  extends Pick<
    WorkerContext,
    | 'schemas'
    | 'permits'
    | 'preparation'
    | 'maxEvents'
    | 'deadLetterLimit'
    | 'unknownFields'
    | 'onPrepared'
  > {
  readonly intake: RecordIntake;
  readonly origin: BatchOrigin;
  readonly retry: DependencyRetry;
  /** Dead letters before this offset do not count towards the limit. */
  readonly judgedFrom: number;
}

/** Takes fetched records of a partition and makes batches of them. */
export class BatchPreparer {
  readonly #options: BatchPreparerOptions;
  /** Of the dead letters of decoding and validation, which end a batch when they are too many. */
  readonly #window: DeadLetterWindow;

  constructor(options: BatchPreparerOptions) {
    this.#options = options;
    this.#window = new DeadLetterWindow(options.deadLetterLimit, options.judgedFrom);
  }

  /**
   * Prepares the next batch. Unknown schema ids are requested until the registry answers.
   *
   * @param hasPermit whether the caller holds a batch permit, which is released during that wait
   */
  async next(hasPermit: boolean): Promise<Prepared> {
    const { intake, origin, retry, schemas, permits, preparation, maxEvents, unknownFields } =
      this.#options;
    const begun = performance.now();
    const slice = intake.take(maxEvents, MAX_BATCH_BYTES);
    const load = () => retry.run(REGISTRY, () => schemas.load(slice.schemaIds), false);
    const entries =
      schemas.known(slice.schemaIds) ?? (await (hasPermit ? permits.releaseWhile(load) : load()));
    const prepared = await preparation.runExclusive(() =>
      prepareSlice(slice, origin, entries, this.#window),
    );
    unknownFields?.note(prepared.batch, slice.schemaIds, entries);
    this.#options.onPrepared?.(performance.now() - begun);
    return prepared;
  }
}
