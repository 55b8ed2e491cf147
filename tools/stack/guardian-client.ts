import { type ChildProcess, spawn } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type {
  ExitStatus,
  GuardianCommand,
  GuardianMessage,
  GuardianRequest,
  SpawnSpec,
} from './guardian-protocol.ts';
import { signalAll } from './process-tree.ts';

/** A process that runs under the guardian. */
export interface GuardedProcess {
  readonly pid: number;
  /** Settles once it is gone. */
  readonly exited: Promise<ExitStatus>;
  /** To the process and its descendants. */
  signal(signal: NodeJS.Signals): Promise<void>;
}

export interface Guardian {
  /** An empty folder, removed with all that is in it at the end. */
  readonly scratch: string;
  /** True once it takes no more orders. */
  readonly closed: boolean;
  spawn(spec: SpawnSpec): Promise<GuardedProcess>;
  /** Has `path` removed at the end too, until it is disowned. */
  own(path: string): Promise<void>;
  disown(path: string): Promise<void>;
  /** Ends all processes and removes all files; when it settles, they are gone. */
  close(): Promise<void>;
}

/** Starts a guardian: a process that outlives this one for as long as tidying up takes. */
export async function startGuardian(): Promise<Guardian> {
  const child = spawn(process.execPath, guardianArguments(), {
    detached: true,
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const client = new GuardianClient(child);
  await client.ready;
  return client;
}

function guardianArguments(): string[] {
  // Through tsx, whatever loader this process itself has: vitest's, for one, can't be handed on.
  const script = fileURLToPath(new URL('./guardian.ts', import.meta.url));
  const tsx = createRequire(import.meta.url).resolve('tsx');
  return ['--import', pathToFileURL(tsx).href, script];
}

interface Running {
  endSignal: NodeJS.Signals;
  exited: (status: ExitStatus) => void;
}

type Settle<T> = { resolve: (value: T) => void; reject: (error: Error) => void };

class GuardianClient implements Guardian {
  readonly ready: Promise<void>;
  readonly #child: ChildProcess;
  readonly #gone: Promise<void>;
  readonly #replies = new Map<number, Settle<number | undefined>>();
  readonly #running = new Map<number, Running>();
  #scratch = '';
  #holds = 0;
  #lastId = 0;
  #closing = false;

  constructor(child: ChildProcess) {
    this.#child = child;
    let isReady: Settle<void> = { resolve: () => {}, reject: () => {} };
    const ready = new Promise<void>((resolve, reject) => {
      isReady = { resolve, reject };
    });
    this.#gone = new Promise((resolve) => {
      child.once('error', (error) => {
        isReady.reject(new Error(`The stack's guardian could not be started: ${error.message}`));
        resolve();
      });
      child.once('exit', (code, signal) => {
        isReady.reject(new Error(`The stack's guardian ended at once (${signal ?? code})`));
        this.#guardianGone().then(resolve, resolve);
      });
    });
    child.on('message', (message: GuardianMessage) => {
      if (message.type === 'ready') {
        this.#scratch = message.scratch;
        isReady.resolve();
      } else if (message.type === 'reply') {
        const settle = this.#replies.get(message.id);
        this.#replies.delete(message.id);
        if (message.error === undefined) settle?.resolve(message.pid);
        else settle?.reject(new Error(message.error));
      } else if (message.type === 'exit') {
        this.#running.get(message.pid)?.exited(message.status);
        this.#running.delete(message.pid);
      }
    });
    // The stack alone must not keep a program running that has nothing more to do.
    child.unref();
    child.channel?.unref();
    this.ready = this.#held(ready);
  }

  get scratch(): string {
    return this.#scratch;
  }

  get closed(): boolean {
    return !this.#child.connected;
  }

  async spawn(spec: SpawnSpec): Promise<GuardedProcess> {
    const running: Running = { endSignal: spec.endSignal ?? 'SIGKILL', exited: () => {} };
    const exited = new Promise<ExitStatus>((resolve) => {
      running.exited = resolve;
    });
    const pid = await this.#ask({ do: 'spawn', spec }, (started) => {
      if (started !== undefined) this.#running.set(started, running);
    });
    if (pid === undefined) throw new Error(`${spec.file} was not started`);
    return {
      pid,
      exited,
      signal: async (signal) => {
        await this.#ask({ do: 'signal', pid, signal });
      },
    };
  }

  async own(path: string): Promise<void> {
    await this.#ask({ do: 'own', path });
  }

  async disown(path: string): Promise<void> {
    await this.#ask({ do: 'disown', path });
  }

  async close(): Promise<void> {
    if (!this.#closing) {
      this.#closing = true;
      if (this.#child.connected) this.#child.disconnect();
    }
    this.#child.ref();
    await this.#gone;
  }

  /** `onReply` runs before any later message is looked at, such as the exit of what was started. */
  #ask(
    command: GuardianCommand,
    onReply: (pid: number | undefined) => void = () => {},
  ): Promise<number | undefined> {
    if (!this.#child.connected) return Promise.reject(new Error('The stack has been stopped'));
    this.#lastId += 1;
    const request: GuardianRequest = { type: 'request', id: this.#lastId, command };
    const reply = new Promise<number | undefined>((resolve, reject) => {
      this.#replies.set(request.id, {
        resolve: (pid) => {
          onReply(pid);
          resolve(pid);
        },
        reject,
      });
      this.#child.send(request, (error) => {
        if (error !== null) reject(error);
      });
    });
    return this.#held(reply);
  }

  async #held<T>(promise: Promise<T>): Promise<T> {
    this.#holds += 1;
    this.#child.channel?.ref();
    try {
      return await promise;
    } finally {
      this.#holds -= 1;
      if (this.#holds === 0) this.#child.channel?.unref();
    }
  }

  async #guardianGone(): Promise<void> {
    for (const { reject } of this.#replies.values()) {
      reject(new Error("The stack's guardian is gone"));
    }
    this.#replies.clear();
    for (const [pid, { endSignal, exited }] of this.#running) {
      // Only where the guardian itself was killed is there anything left to do here.
      signalAll([pid], endSignal);
      exited({ code: null, signal: endSignal });
    }
    this.#running.clear();
    if (this.#scratch === '') return;
    await rm(this.#scratch, { recursive: true, force: true, maxRetries: 10 });
  }
}
