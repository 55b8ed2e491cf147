import type { Guardian } from './guardian-client.ts';
import type { SpawnSpec } from './guardian-protocol.ts';
import { holdingTheLoop, logTail } from './managed-process.ts';

/** Runs a command that prepares something, under the guardian. Throws when it fails. */
export async function runToEnd(guardian: Guardian, what: string, spec: SpawnSpec): Promise<void> {
  const started = await guardian.spawn(spec);
  const { code, signal } = await holdingTheLoop(started.exited);
  if (code === 0) return;
  throw new Error(`${what} failed (${signal ?? `exit code ${code}`}):\n${await logTail(spec.log)}`);
}
