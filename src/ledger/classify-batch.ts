import type { Queryable } from '../postgres/statement.ts';
import type { Batch, DeadLetterMessage, OutcomeCounts } from '../records/message.ts';
import { attributesExceedLimit, refuseExcessAttributes } from './attribute-limit.ts';
import { findBooked } from './booked-offsets.ts';
import { classifySession, classifyUnchanged } from './classify-session.ts';
import { identifyByOlderRules } from './older-identities.ts';
import { countOutcomes } from './outcomes.ts';
import { classifyWithoutDetail } from './removed-detail.ts';
import type { BatchSessions, SessionBatch } from './session-batch.ts';
import type { SessionLoader } from './session-loader.ts';

export type Messages = Pick<Batch, 'topic' | 'partition' | 'generation' | 'messages' | 'metricOf'>;

export interface ClassifiedBatch {
  readonly counts: OutcomeCounts;
  /** Those that the batch came with, then those that only the ledger made. */
  readonly deadLetters: readonly DeadLetterMessage[];
  /** Offsets of those that only the ledger made, in ascending order. */
  readonly newDeadLetters: readonly number[];
}

/**
 * Decides the outcome of every message of some batches, and counts them. Sessions that the batches may
 * change are locked; those to which they add nothing are not.
 *
 * @param parts each session is in one of them
 */
export async function classifyBatches(
  connection: Queryable,
  loader: SessionLoader,
  parts: readonly BatchSessions<Messages>[],
): Promise<ClassifiedBatch[]> {
  const sessions = parts.flatMap((part) => part.sessions);
  const cached = await loader.load(connection, sessions);
  const found: DeadLetterMessage[][] = [];
  for (const { batch, sessions } of parts) {
    identifyByOlderRules(sessions, batch.metricOf);
    found.push(await findDeadLetters(connection, loader, batch, sessions, cached));
    await findBooked(connection, batch, sessions);
  }
  const findBookedOf = async (loaded: ReadonlySet<SessionBatch>) => {
    if (loaded.size === 0) return;
    for (const { batch, sessions } of parts) {
      const some = sessions.filter((session) => loaded.has(session));
      await findBooked(connection, batch, some);
    }
  };
  const changing: SessionBatch[] = [];
  const unchanged: SessionBatch[] = [];
  for (const session of sessions) {
    if (session.outcomes !== undefined) continue;
    if (!classifyUnchanged(session)) changing.push(session);
    else if (cached.has(session)) unchanged.push(session);
  }
  // These are not locked: whether the cache was current is compared without a lock.
  const reloaded = await loader.reload(connection, unchanged);
  await findBookedOf(reloaded);
  for (const session of reloaded) {
    session.outcomes = undefined;
    if (!classifyUnchanged(session)) changing.push(session);
  }
  // Those that changed meanwhile were loaded again: what another group applied of them is in the books, too.
  await findBookedOf(new Set(await loader.lock(connection, changing)));
  for (const session of changing) classifySession(session);
  return parts.map(({ batch, sessions }, i) => classified(batch, sessions, found[i] ?? []));
}

/** The same without locks: as if each session had been locked as it was loaded. */
export async function previewBatch(
  connection: Queryable,
  loader: SessionLoader,
  batch: Messages,
  sessions: readonly SessionBatch[],
): Promise<ClassifiedBatch> {
  await loader.load(connection, sessions);
  identifyByOlderRules(sessions, batch.metricOf);
  const found = await findDeadLetters(connection, loader, batch, sessions, new Set());
  await findBooked(connection, batch, sessions);
  for (const session of sessions) {
    if (session.outcomes !== undefined) continue;
    const { state, accountId } = session;
    session.touched = {
      revision: (state?.revision ?? 0n) + 1n,
      period: state?.period ?? '',
      accountId: state?.accountId ?? accountId,
    };
    classifySession(session);
  }
  return classified(batch, sessions, found);
}

/** Messages that cannot be applied to their session, and no later batch could apply. */
async function findDeadLetters(
  connection: Queryable,
  loader: SessionLoader,
  batch: Messages,
  sessions: readonly SessionBatch[],
  cached: ReadonlySet<SessionBatch>,
): Promise<DeadLetterMessage[]> {
  const withoutDetail = sessions.filter(({ state }) => state?.lacksDetail === true);
  let excessive = sessions.filter(
    (session) => session.state?.lacksDetail !== true && attributesExceedLimit(session),
  );
  if (withoutDetail.length === 0 && excessive.length === 0) return [];
  // A dead letter is as final as an application: it must not follow from a stale cache.
  await loader.reload(
    connection,
    excessive.filter((session) => cached.has(session)),
  );
  excessive = excessive.filter(attributesExceedLimit);
  return [
    ...(await classifyWithoutDetail(connection, batch, withoutDetail)),
    ...refuseExcessAttributes(batch.messages, excessive),
  ];
}

function classified(
  { messages }: Messages,
  sessions: readonly SessionBatch[],
  found: readonly DeadLetterMessage[],
): ClassifiedBatch {
  const before = messages.filter((message) => message.kind === 'dead_letter');
  const deadLetters = [...before, ...found];
  return {
    counts: countOutcomes(messages, sessions, deadLetters.length),
    deadLetters,
    newDeadLetters: found.map(({ offset }) => offset).sort((a, b) => a - b),
  };
}
