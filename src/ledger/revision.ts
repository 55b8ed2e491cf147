import { randomInt } from 'node:crypto';

const MAX_STEP = 2 ** 31;

/**
 * By how much a transaction lets the revisions of its sessions grow. Random, so that a revision names
 * one history: after a restore to an earlier moment, another history that comes to the same number
 * would make what a worker remembers of the lost one look current. That has a chance of 2^-31.
 */
export function revisionStep(): bigint {
  return BigInt(randomInt(1, MAX_STEP));
}
