import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { chmod, mkdtemp } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { Remains, tidyUp } from './tidy-up.ts';

export interface SpawnSpec {
  readonly file: string;
  readonly args: readonly string[];
  readonly env: Record<string, string>;
  /** Standard output and error are appended here. */
  readonly log: string;
  readonly cwd?: string;
  readonly uid?: number;
  readonly gid?: number;
  /** How it is ended with the stack, SIGKILL by default: what it would still write is removed anyway. */
  readonly endSignal?: NodeJS.Signals;
}

export interface ExitStatus {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface WatchedProcess {
  readonly pid: number;
  /** Settles once it has exited. */
  readonly exited: Promise<ExitStatus>;
}

/** Removes paths at the end, however the program ends. */
export interface PathOwner {
  /** True once the stack is being ended. */
  readonly closed: boolean;
  /** Has `path` removed at the end, until it is disowned. Throws once the stack is being ended. */
  own(path: string): void;
  disown(path: string): void;
}

/** A line to the watchdog's process. */
export type Change =
  | { readonly started: number; readonly endSignal: NodeJS.Signals }
  | { readonly exited: number }
  | { readonly created: string }
  | { readonly removed: string };

const SCRIPT = fileURLToPath(new URL('./watchdog-process.ts', import.meta.url));

/**
 * Starts processes that end with this program, and owns files that are removed with it. A process of
 * its own does that (watchdog-process.ts), so that it also happens when this program is killed.
 * Nothing of it keeps this program running.
 */
export class Watchdog implements PathOwner {
  /** An empty folder for everything that processes write. */
  readonly scratch: string;
  readonly #process: ChildProcess;
  readonly #input: Socket;
  readonly #gone: Promise<unknown>;
  /** The same as the watchdog's process has, in case that one was killed. */
  readonly #remains = new Remains();

  static async start(): Promise<Watchdog> {
    const scratch = await mkdtemp(join(tmpdir(), 'usage-ledger-'));
    // Postgres runs as another user when this runs as root, and must reach its own folder.
    await chmod(scratch, 0o711);
    return new Watchdog(scratch);
  }

  private constructor(scratch: string) {
    this.scratch = scratch;
    // Through tsx, whatever loader this process itself has: vitest's, for one, cannot be handed on.
    const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;
    // In a session of its own: Ctrl-C in a terminal reaches this program alone.
    this.#process = spawn(process.execPath, ['--import', tsx, SCRIPT], {
      detached: true,
      stdio: ['pipe', 'ignore', 'inherit'],
    });
    this.#input = this.#process.stdin as Socket;
    // Ended by someone else: `close` tidies up by itself.
    this.#input.on('error', () => {});
    this.#gone = Promise.race([once(this.#process, 'exit'), once(this.#process, 'error')]);
    this.#process.unref();
    this.#input.unref();
    this.own(scratch);
  }

  get closed(): boolean {
    return this.#input.writableEnded;
  }

  /** Starts a process. Throws when there is no such program. */
  async spawn(spec: SpawnSpec): Promise<WatchedProcess> {
    if (this.closed) throw new Error('The stack has been stopped');
    const { file, args, log, endSignal = 'SIGKILL', ...options } = spec;
    const output = openSync(log, 'a');
    const child = spawn(file, args, {
      ...options,
      detached: true,
      stdio: ['ignore', output, output],
    });
    closeSync(output);
    const { pid } = child;
    if (pid === undefined) {
      const [error] = await once(child, 'error');
      throw error;
    }
    this.#remains.processes.set(pid, endSignal);
    this.#send({ started: pid, endSignal });
    child.unref();
    const exited = new Promise<ExitStatus>((resolve) => {
      child.once('exit', (code, signal) => {
        this.#remains.processes.delete(pid);
        this.#send({ exited: pid });
        resolve({ code, signal });
      });
    });
    return { pid, exited };
  }

  own(path: string): void {
    if (this.closed) throw new Error('The stack has been stopped');
    this.#remains.paths.add(path);
    this.#send({ created: path });
  }

  disown(path: string): void {
    this.#remains.paths.delete(path);
    this.#send({ removed: path });
  }

  /** Ends all processes and removes all files; when it settles, they are gone. */
  async close(): Promise<void> {
    this.#process.ref();
    this.#input.end();
    await this.#gone;
    await tidyUp(this.#remains);
  }

  #send(change: Change): void {
    if (!this.closed) this.#input.write(`${JSON.stringify(change)}\n`);
  }
}
