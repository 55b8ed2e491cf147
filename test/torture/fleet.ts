import { WorkerProcess } from '../support/worker-process.ts';

/** Characters of a worker's log that a failure prints. */
const LOG_TAIL = 8_000;

/** The workers of a group, each in a process of its own, and who of them died of what. */
export class Fleet {
  readonly #env: NodeJS.ProcessEnv;
  #workers: WorkerProcess[] = [];
  #peakMemory = 0;

  constructor(env: NodeJS.ProcessEnv) {
    this.#env = env;
  }

  get workers(): readonly WorkerProcess[] {
    return this.#workers;
  }

  /** The most memory that one of them has held, in bytes. */
  get peakMemory(): number {
    for (const worker of this.#workers) {
      this.#peakMemory = Math.max(this.#peakMemory, worker.peakMemory());
    }
    return this.#peakMemory;
  }

  add(): WorkerProcess {
    const worker = new WorkerProcess(this.#env);
    this.#workers.push(worker);
    return worker;
  }

  /** Puts a new worker in the place of each that is gone. */
  refill(): void {
    const gone = this.#workers.filter(({ end }) => end !== undefined);
    this.#workers = this.#workers.filter(({ end }) => end === undefined);
    for (const _ of gone) this.add();
  }

  /** Takes a worker out that has ended or is about to. */
  remove(worker: WorkerProcess): void {
    this.#workers = this.#workers.filter((other) => other !== worker);
  }

  /** What each of them logged last. */
  logs(): string {
    return this.#workers.map(({ pid, log }) => `worker ${pid}: ${log.slice(-LOG_TAIL)}`).join('\n');
  }

  /** @throws when a worker ended that nobody killed: nothing that happens here may do that */
  requireAlive(): void {
    for (const { end, log } of this.#workers) {
      if (end === undefined) continue;
      throw new Error(
        `a worker ended by itself (${end.signal ?? `exit code ${end.code}`}):\n${log}`,
      );
    }
  }

  /** Kills one by SIGKILL; resolves when it is gone. */
  async kill(worker: WorkerProcess): Promise<void> {
    worker.signal('SIGKILL');
    await worker.ended;
  }

  /** Drains all of them. @throws when one does not exit with 0 */
  async stop(): Promise<void> {
    const workers = this.#workers;
    this.#workers = [];
    for (const worker of workers) {
      this.#peakMemory = Math.max(this.#peakMemory, worker.peakMemory());
    }
    const ends = await Promise.all(workers.map((worker) => worker.stop()));
    for (const [i, { code, signal }] of ends.entries()) {
      if (code === 0) continue;
      throw new Error(`SIGTERM made a worker end with ${signal ?? code}:\n${workers[i]?.log}`);
    }
  }

  /** Ends whatever is left, at once. */
  async abandon(): Promise<void> {
    const workers = this.#workers;
    this.#workers = [];
    for (const worker of workers) worker.signal('SIGKILL');
    await Promise.all(workers.map(({ ended }) => ended));
  }
}
