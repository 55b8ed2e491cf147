import { setTimeout as delay } from 'node:timers/promises';
import type { Settings } from '../config/settings.ts';
import { messageOf, UnreachableError, UsageLedgerError, WrongUsageError } from '../errors.ts';
import { note } from './output.ts';
import { refusalOf } from './refusals.ts';

/** A longer wait is announced on standard error. */
const SILENCE_MS = 2_000;
const FIRST_DELAY_MS = 100;
const MOST_DELAY_MS = 2_000;

/** Retries until the probe succeeds, is refused permanently, or STARTUP_TIMEOUT_S has passed. */
export async function reach<T>(
  settings: Settings,
  what: string,
  probe: () => Promise<T>,
): Promise<T> {
  const seconds = settings.STARTUP_TIMEOUT_S;
  const begun = Date.now();
  const deadline = begun + seconds * 1_000;
  let isAnnounced = false;
  let wait = FIRST_DELAY_MS;
  let last: unknown = new Error('no answer');
  for (;;) {
    const left = Math.max(deadline - Date.now(), 0);
    try {
      return await Promise.race([probe(), tooLate(left, () => last)]);
    } catch (error) {
      if (error instanceof UsageLedgerError && !(error instanceof UnreachableError)) throw error;
      const toCheck = refusalOf(error);
      if (toCheck !== undefined) {
        throw new WrongUsageError(`${what} refused: ${messageOf(error)}; check ${toCheck}`, {
          cause: error,
        });
      }
      last = error;
    }
    if (!isAnnounced && Date.now() - begun > SILENCE_MS) {
      isAnnounced = true;
      note(`waiting for ${what}, up to ${seconds} s: ${messageOf(last)}`);
    }
    if (Date.now() + wait >= deadline) {
      throw new UnreachableError(
        `${what} was not reached within ${seconds} s: ${messageOf(last)}`,
        {
          cause: last,
        },
      );
    }
    await delay(wait);
    wait = Math.min(wait * 2, MOST_DELAY_MS);
  }
}

async function tooLate(ms: number, last: () => unknown): Promise<never> {
  await delay(ms, undefined, { ref: false });
  throw last();
}

/**
 * Runs all attempts concurrently. A refusal, such as a wrong password or a schema without tables,
 * rejects at once; dependencies that cannot be reached are reported together.
 */
export async function together<T extends readonly unknown[]>(
  attempts: readonly [...{ [K in keyof T]: Promise<T[K]> }],
): Promise<T> {
  const unreachable: UnreachableError[] = [];
  const noted = attempts.map((attempt: Promise<unknown>) =>
    attempt.catch((reason: unknown) => {
      if (!(reason instanceof UnreachableError)) throw reason;
      unreachable.push(reason);
    }),
  );
  const reached = await Promise.all(noted);
  if (unreachable.length === 0) return reached as unknown as T;
  if (unreachable.length === 1) throw unreachable[0];
  throw new UnreachableError(unreachable.map(messageOf).join('\n'));
}
