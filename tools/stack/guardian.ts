/**
 * The process that the stack's services run under. Its only tie to the program that started it is
 * an IPC channel: when that closes, however the program ended (SIGKILL included), the services are
 * ended and everything they wrote is removed.
 *
 * It runs detached, so that Ctrl-C in a terminal reaches the program and not this.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type {
  GuardianCommand,
  GuardianMessage,
  GuardianRequest,
  SpawnSpec,
} from './guardian-protocol.ts';
import { processTree, signalAll } from './process-tree.ts';

const ORDERLY_END_MS = 4_000;

interface Ward {
  child: ChildProcess;
  endSignal: NodeJS.Signals;
  exited: Promise<void>;
}

const wards = new Map<number, Ward>();
const owned = new Set<string>();
let ending: Promise<void> | undefined;

function tell(message: GuardianMessage): void {
  // A send that fails means that the other end is gone, and 'disconnect' says so too.
  if (process.connected) process.send?.(message, () => {});
}

async function carryOut(command: GuardianCommand): Promise<{ pid?: number }> {
  switch (command.do) {
    case 'spawn':
      return { pid: await spawnWard(command.spec) };
    case 'signal':
      signalAll(await addressees(command.pid, command.signal), command.signal);
      return {};
    case 'own':
      owned.add(command.path);
      return {};
    case 'disown':
      owned.delete(command.path);
      return {};
    case 'shutdown':
      await end();
      return {};
  }
}

/** What can't be caught goes to the whole tree; of what asks for something, the root takes care. */
async function addressees(pid: number, signal: NodeJS.Signals): Promise<number[]> {
  const uncatchable = signal === 'SIGKILL' || signal === 'SIGSTOP' || signal === 'SIGCONT';
  return uncatchable ? await processTree(pid) : [pid];
}

function spawnWard(spec: SpawnSpec): Promise<number> {
  if (ending !== undefined) return Promise.reject(new Error('the stack is being stopped'));
  const log = openSync(spec.log, 'a');
  const { uid, gid, cwd, env } = spec;
  const child = spawn(spec.file, spec.args, {
    detached: true,
    stdio: ['ignore', log, log],
    env,
    ...(cwd === undefined ? {} : { cwd }),
    ...(uid === undefined ? {} : { uid }),
    ...(gid === undefined ? {} : { gid }),
  });
  closeSync(log);
  const { pid } = child;
  if (pid === undefined) return new Promise((_, reject) => child.once('error', reject));

  const exited = new Promise<void>((resolve) => {
    child.once('exit', (code, signal) => {
      wards.delete(pid);
      tell({ type: 'exit', pid, status: { code, signal } });
      resolve();
    });
  });
  wards.set(pid, { child, endSignal: spec.endSignal ?? 'SIGKILL', exited });
  return Promise.resolve(pid);
}

/** Ends all services, removes all that is owned. Once, whoever asks and however often. */
function end(): Promise<void> {
  ending ??= (async () => {
    await Promise.all([...wards].map(([pid, ward]) => endWard(pid, ward)));
    await Promise.all(
      [...owned].map((path) => rm(path, { recursive: true, force: true, maxRetries: 10 })),
    );
  })();
  return ending;
}

async function endWard(pid: number, { endSignal, exited }: Ward): Promise<void> {
  const tree = await processTree(pid);
  signalAll([pid], endSignal);
  // One that a test had paused would never get round to it.
  signalAll(tree, 'SIGCONT');
  const late = new Promise<'late'>((resolve) => setTimeout(resolve, ORDERLY_END_MS, 'late'));
  if ((await Promise.race([exited, late])) === 'late') {
    signalAll([...new Set([...tree, ...(await processTree(pid))])], 'SIGKILL');
    await exited;
  }
}

function endAndExit(code: number): void {
  end().then(
    () => process.exit(code),
    () => process.exit(1),
  );
}

process.on('disconnect', () => endAndExit(0));
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
  process.on(signal, () => endAndExit(0));
}
process.on('uncaughtException', (error) => {
  process.stderr.write(`stack guardian: ${error.stack ?? error.message}\n`);
  endAndExit(1);
});
process.on('message', (message: GuardianRequest) => {
  if (message.type !== 'request') return;
  carryOut(message.command).then(
    (reply) => tell({ type: 'reply', id: message.id, ...reply }),
    (error: Error) => tell({ type: 'reply', id: message.id, error: error.message }),
  );
});

const scratch = await mkdtemp(join(tmpdir(), 'usage-ledger-'));
owned.add(scratch);
// Postgres runs as another user when this runs as root, and must get through to its own folder.
await chmod(scratch, 0o711);
if (process.connected) tell({ type: 'ready', scratch });
else endAndExit(0);
