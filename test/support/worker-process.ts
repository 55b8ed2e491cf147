import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Order, WorkerEvent } from '../torture/worker-orders.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const LOG_CHARACTERS = 20_000;

export interface WorkerEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A worker in a process of its own, to be killed and frozen. */
export class WorkerProcess {
  readonly #child: ChildProcess;
  /** Settles when the process is gone. */
  readonly ended: Promise<WorkerEnd>;
  #end: WorkerEnd | undefined;
  #log = '';
  #onStarted: () => void = () => {};
  #onReached: () => void = () => {};
  /** Resolves once it handles signals. */
  readonly started: Promise<void>;

  constructor(env: NodeJS.ProcessEnv) {
    const loaded = ['tsx', './test/torture/kafka-through-proxy.mjs'];
    const imports = loaded.flatMap((module) => ['--import', module]);
    this.#child = spawn(process.execPath, [...imports, 'test/torture/worker.ts'], {
      cwd: ROOT,
      env: { PATH: process.env['PATH'], HOME: process.env['HOME'], LOG_LEVEL: 'warn', ...env },
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      // The leader of a process group, so that this can be signalled as a terminal does.
      detached: true,
    });
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#log = (this.#log + text).slice(-LOG_CHARACTERS);
    });
    this.started = new Promise((resolve) => {
      this.#onStarted = resolve;
    });
    this.#child.on('message', (event: WorkerEvent) => {
      if ('reached' in event) this.#onReached();
      else this.#onStarted();
    });
    this.ended = new Promise((resolve, reject) => {
      this.#child.once('error', reject);
      this.#child.once('close', (code, signal) => {
        this.#end = { code, signal };
        resolve(this.#end);
      });
    });
  }

  get pid(): number {
    return this.#child.pid ?? -1;
  }

  /** How it ended; `undefined` while it runs. */
  get end(): WorkerEnd | undefined {
    return this.#end;
  }

  /** The last of its standard error. */
  get log(): string {
    return this.#log;
  }

  /** Has the worker kill itself at a step; `ended` resolves when it has. */
  order(order: Order): void {
    this.#child.send(order, () => {});
  }

  /** Has the worker stop itself (SIGSTOP) at a step; resolves when it has come to it. */
  frozenAt(order: Omit<Order, 'act'>): Promise<void> {
    const reached = new Promise<void>((resolve) => {
      this.#onReached = resolve;
    });
    this.order({ ...order, act: 'freeze' });
    return reached;
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** To the process and whatever it has started. */
  signalGroup(signal: NodeJS.Signals): void {
    process.kill(-this.pid, signal);
  }

  /** Asks for an orderly end, once it heeds that, and awaits it. */
  async stop(): Promise<WorkerEnd> {
    await Promise.race([this.started, this.ended]);
    this.signal('SIGTERM');
    return await this.ended;
  }

  /** The most memory that it has held so far, in bytes; 0 where the system does not report it. */
  peakMemory(): number {
    try {
      const status = readFileSync(`/proc/${this.pid}/status`, 'utf8');
      return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1] ?? 0) * 1_024;
    } catch {
      return 0;
    }
  }
}
