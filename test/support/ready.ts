import type { RunningCli } from './cli.ts';

/** For `run`, so that `readyProblems` can ask it. */
export const ANSWERS_READYZ = { HTTP_PORT: '0', LOG_LEVEL: 'info' };

/** Why a worker says that it is not ready; nothing when it is, `undefined` while nobody answers. */
export async function readyProblems(worker: RunningCli): Promise<string[] | undefined> {
  const address = /"address":"([^"]+)"/.exec(worker.log())?.[1];
  if (address === undefined) return undefined;
  try {
    const answer = await fetch(`http://${address}/readyz`);
    return ((await answer.json()) as { problems: string[] }).problems;
  } catch {
    return undefined;
  }
}
