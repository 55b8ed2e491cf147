import { readFile } from 'node:fs/promises';
import { ServiceStartError } from './errors.ts';
import { processTree, signalAll } from './process-tree.ts';
import { type Probe, untilAnswers } from './readiness.ts';
import type { SpawnSpec, Watchdog, WatchedProcess } from './watchdog.ts';

const START_DEADLINE_MS = 90_000;
const LOG_TAIL_LINES = 25;

/** A service of the stack that runs here as a process, for fault tests to stop and start. */
export interface ManagedProcess {
  /** Of the running process, or of the last one. */
  readonly pid: number;
  /** Where its standard output and error go. */
  readonly log: string;
  /** Sends `signal` (by default SIGKILL, to it and its children); settles once it has exited. */
  kill(signal?: NodeJS.Signals): Promise<void>;
  /** Asks it for an orderly end; settles once it has exited. */
  stop(): Promise<void>;
  /** Starts it again on the same port and data; settles once it answers. */
  start(): Promise<void>;
  /** Freezes it: connections stay open and nothing answers. */
  pause(): Promise<void>;
  resume(): Promise<void>;
}

export interface ServiceDefinition {
  label: string;
  spec: SpawnSpec;
  probe: Probe;
  /** The signal that asks for an orderly end. */
  stopSignal: NodeJS.Signals;
}

/** Starts the service and waits until it answers. */
export async function startManaged(
  watchdog: Watchdog,
  definition: ServiceDefinition,
): Promise<ManagedProcess> {
  const managed = new WatchedService(watchdog, definition);
  await managed.start();
  return managed;
}

class WatchedService implements ManagedProcess {
  readonly #watchdog: Watchdog;
  readonly #definition: ServiceDefinition;
  #process: WatchedProcess | undefined;
  #running = false;

  constructor(watchdog: Watchdog, definition: ServiceDefinition) {
    this.#watchdog = watchdog;
    this.#definition = definition;
  }

  get pid(): number {
    if (this.#process === undefined) throw new Error(`${this.#definition.label} never started`);
    return this.#process.pid;
  }

  get log(): string {
    return this.#definition.spec.log;
  }

  async start(): Promise<void> {
    const { label, spec, probe } = this.#definition;
    if (this.#running) throw new Error(`${label} is running already`);
    const started = await this.#watchdog.spawn(spec);
    this.#process = started;
    this.#running = true;
    void started.exited.then(() => {
      if (this.#process === started) this.#running = false;
    });

    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<string>((resolve) => {
      timer = setTimeout(resolve, START_DEADLINE_MS, `did not answer in ${START_DEADLINE_MS} ms`);
    });
    const exited = started.exited.then(
      ({ code, signal }) => `ended while it started (${signal ?? `exit code ${code}`})`,
    );
    const givenUp = Promise.race([late, exited]).then(
      async (what) => new ServiceStartError(`${label} ${what}`, await logTail(spec.log)),
    );
    try {
      await untilAnswers(probe, givenUp);
    } catch (error) {
      if (this.#running) await this.kill();
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const running = this.#process;
    if (running === undefined || !this.#running) return;
    await send(running.pid, signal);
    await holdingTheLoop(running.exited);
    this.#running = false;
  }

  async stop(): Promise<void> {
    await this.resume();
    await this.kill(this.#definition.stopSignal);
  }

  async pause(): Promise<void> {
    if (this.#running) await send(this.pid, 'SIGSTOP');
  }

  async resume(): Promise<void> {
    if (this.#running) await send(this.pid, 'SIGCONT');
  }
}

/** What cannot be caught goes to the whole tree; anything else the root passes on to its children. */
async function send(pid: number, signal: NodeJS.Signals): Promise<void> {
  const uncatchable = signal === 'SIGKILL' || signal === 'SIGSTOP' || signal === 'SIGCONT';
  signalAll(uncatchable ? await processTree(pid) : [pid], signal);
}

/** Runs a command that prepares something. Throws when it fails. */
export async function runToEnd(watchdog: Watchdog, what: string, spec: SpawnSpec): Promise<void> {
  const { exited } = await watchdog.spawn(spec);
  const { code, signal } = await holdingTheLoop(exited);
  if (code === 0) return;
  throw new Error(`${what} failed (${signal ?? `exit code ${code}`}):\n${await logTail(spec.log)}`);
}

/** Watched processes do not keep this program running, so a wait for one of them has to. */
export async function holdingTheLoop<T>(promise: Promise<T>): Promise<T> {
  const timer = setInterval(() => {}, 60_000);
  try {
    return await promise;
  } finally {
    clearInterval(timer);
  }
}

/** The last lines of a log, '' when there is none. */
export async function logTail(path: string): Promise<string> {
  const text = await readFile(path, 'utf8').catch(() => '');
  return text.trimEnd().split('\n').slice(-LOG_TAIL_LINES).join('\n');
}
