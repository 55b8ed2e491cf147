import { setTimeout as delay } from 'node:timers/promises';
import { messageOf } from '../../errors.ts';
import { refusalOf } from '../refusals.ts';
import { type Check, type Finding, fail, type Scene } from './finding.ts';

/** A finding, with the check that it is of. */
export interface CheckedFinding extends Finding {
  readonly check: string;
}

/**
 * Runs all checks concurrently, except for those that need another one, and returns their findings in the
 * order of the checks. Never throws, and ends within `timeoutMs` for each step of the longest chain.
 *
 * @param checks each stands after the one that it needs
 */
export async function runChecks(
  checks: readonly Check[],
  scene: Scene,
  timeoutMs: number,
): Promise<CheckedFinding[]> {
  const running = new Map<string, Promise<readonly Finding[]>>();
  for (const check of checks) {
    const needed = check.after === undefined ? undefined : running.get(check.after);
    running.set(check.name, findingsOf(check, needed, scene, timeoutMs));
  }
  const findings: CheckedFinding[] = [];
  for (const [name, found] of running) {
    for (const finding of await found) findings.push({ check: name, ...finding });
  }
  return findings;
}

async function findingsOf(
  check: Check,
  needed: Promise<readonly Finding[]> | undefined,
  scene: Scene,
  timeoutMs: number,
): Promise<readonly Finding[]> {
  if (needed !== undefined && !holds(await needed)) {
    const found = `not looked at: it needs "${check.after}"`;
    return [{ verdict: 'skip', subject: '', found }];
  }
  const ended = new AbortController();
  try {
    return await Promise.race([check.run(scene), tooLate(timeoutMs, ended.signal)]);
  } catch (error) {
    const toCheck = refusalOf(error);
    return [fail('', messageOf(error), toCheck === undefined ? check.todo : `check ${toCheck}`)];
  } finally {
    ended.abort();
  }
}

/** Whether what builds on a check may be looked at: one of several brokers is enough. */
function holds(findings: readonly Finding[]): boolean {
  const isBad = ({ verdict }: Finding) => verdict === 'fail' || verdict === 'skip';
  return !findings.some(isBad);
}

async function tooLate(ms: number, signal: AbortSignal): Promise<never> {
  await delay(ms, undefined, { signal }).catch(() => {});
  throw new Error(`no answer within ${ms / 1_000} s`);
}
