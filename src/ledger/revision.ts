import { randomInt } from 'node:crypto';

const MAX_STEP = 2 ** 31;

/**
 * By how much a transaction increases the revisions of its sessions. Random, so that a revision names
 * one history: after a restore to an earlier moment, a second history that reached the same number
 * would make a cache of the lost one look current. The probability of that is 2^-31.
 */
export function revisionStep(): bigint {
  return BigInt(randomInt(1, MAX_STEP));
}
