import { CheckFailedError } from '../errors.ts';
import {
  type BillableMetric,
  type Identity,
  identify,
  identityBytes,
  separateIdentity,
} from '../identify/identity.ts';
import { type BillableUsage, billableUsage } from '../livekit/usage-of.ts';
import { int8Array, textArray } from '../postgres/arrays.ts';
import type { Connection } from '../postgres/database.ts';
import { eventTime } from '../validate/validate.ts';
import { revisionStep } from './revision.ts';
import {
  type ConflictKey,
  isInLedger,
  lockConflict,
  netUsage,
  type StoredConflict,
} from './statements/conflicts.ts';
import { readSession, touchSessions } from './statements/sessions.ts';

/** A conflict that awaits a decision, locked with its session until the end of the transaction. */
export interface LockedConflict {
  readonly sessionId: string;
  readonly session: { readonly revision: bigint; readonly period: string };
  /** The payload that is not billed. */
  readonly metric: BillableMetric;
  readonly usage: BillableUsage;
  readonly eventUs: number;
  readonly identity: Identity;
  /** What is billed for the emission, corrections included. */
  readonly before: Awaited<ReturnType<typeof netUsage.run>>;
}

/**
 * Locks a conflict whose payload is to be billed.
 *
 * @throws CheckFailedError when there is none, when it is decided, when the detail that the decision
 *   would change was removed, or when the payload is billed as an emission of its own
 */
export async function lockForBilling(
  connection: Connection,
  key: ConflictKey,
): Promise<LockedConflict> {
  const conflict = await lockOpenConflict(connection, key);
  const metric = conflict.conflicting_payload as unknown as BillableMetric;
  const usage = billableUsage(metric);
  if (usage === undefined) throw new Error(`a conflict of ${metric.type}, which is not billed`);
  const eventUs = eventTime(metric.timestamp, conflict.recorded_at.getTime());
  const sessionId = conflict.session_id;
  const { identityRule, ...session } = await lockSession(connection, sessionId, eventUs);
  const identity = identify(metric, identityRule);
  const before = await netUsage.run(connection, {
    sessionId,
    identity: identityBytes(identity).subarray(0, 8),
  });
  if (before.length === 0) {
    throw new CheckFailedError(
      `the itemised detail of session ${sessionId} was removed from the ledger, and with it the ` +
        'event that was billed first; restore the detail, or dismiss the conflict',
    );
  }
  if (await isBilled(connection, sessionId, separateIdentity(identity))) {
    throw new CheckFailedError(
      `the payload of conflict ${nameOf(key)} is billed already, as an emission of its own at ` +
        'another offset; dismiss the conflict',
    );
  }
  return { sessionId, session, metric, usage, eventUs, identity, before };
}

/** Locks a conflict until the end of the transaction. */
export async function lockOpenConflict(
  connection: Connection,
  key: ConflictKey,
): Promise<StoredConflict> {
  const [conflict] = await lockConflict.run(connection, key);
  if (conflict === undefined) throw new CheckFailedError(`there is no conflict ${nameOf(key)}`);
  if (conflict.resolved_at !== null) {
    const when = conflict.resolved_at.toISOString();
    throw new CheckFailedError(`conflict ${nameOf(key)} was ${conflict.resolution} at ${when}`);
  }
  return conflict;
}

/** Whether an entry, or a correction, has this identity and this fingerprint. */
export async function isBilled(
  connection: Connection,
  sessionId: string,
  identity: Identity,
): Promise<boolean> {
  const bytes = identityBytes(identity);
  const [row] = await isInLedger.run(connection, {
    sessionId,
    identity: bytes.subarray(0, 8),
    fingerprint: bytes.subarray(8),
  });
  return row?.found === true;
}

export function nameOf({ topic, partition, offset }: ConflictKey): string {
  return `${topic}/${partition}/${offset}`;
}

/**
 * Locks the session as a batch does: its new revision makes the caches of all workers stale, and its time
 * comprises the event, by which a correction has its day.
 */
async function lockSession(connection: Connection, sessionId: string, eventUs: number) {
  const [known] = await readSession.run(connection, { sessionId });
  if (known === undefined) throw new Error(`session ${sessionId} does not exist`);
  const [row] = await touchSessions.run(connection, {
    sessionIds: textArray([sessionId]),
    accountIds: textArray([null]),
    attributes: textArray(['{}']),
    firstUs: int8Array([eventUs]),
    lastUs: int8Array([eventUs]),
    step: revisionStep(),
  });
  if (row === undefined) throw new Error(`session ${sessionId} was not locked`);
  const { revision, period } = row;
  return { revision: BigInt(revision), period, identityRule: known.identity_rule };
}
