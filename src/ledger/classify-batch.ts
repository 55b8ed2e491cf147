import type { Queryable } from '../postgres/statement.ts';
import type { Batch, DeadLetterMessage, OutcomeCounts } from '../records/message.ts';
import { identifyByOlderRules } from './older-identities.ts';
import { classifyWithoutDetail } from './removed-detail.ts';
import { bringsTooMany, refuseTooManyAttributes } from './session-attributes.ts';
import { classifyUnchanged, reopen, type SessionBatch, settle } from './session-batch.ts';
import type { SessionLoader } from './session-loader.ts';

type Messages = Pick<Batch, 'topic' | 'partition' | 'generation' | 'messages' | 'metricOf'>;

/**
 * Decides what becomes of every event of a batch. Sessions that may change are locked; those to which
 * the batch adds nothing are not.
 *
 * @param counts what is decided is added to them
 * @returns messages that only the ledger could refuse, which are counted
 */
export async function classifyBatch(
  connection: Queryable,
  memory: SessionLoader,
  batch: Messages,
  works: readonly SessionBatch[],
  counts: OutcomeCounts,
): Promise<DeadLetterMessage[]> {
  const remembered = await memory.recall(connection, works);
  identifyByOlderRules(works, batch.metricOf);
  const refused = await refuse(connection, memory, batch, works, remembered, counts);
  const changing: SessionBatch[] = [];
  const unchanged: SessionBatch[] = [];
  for (const work of works) {
    if (work.isSettled) continue;
    if (!classifyUnchanged(work, counts)) changing.push(work);
    else if (remembered.has(work)) unchanged.push(work);
  }
  // No lock tells whether what was remembered of these is current.
  for (const work of await memory.reload(connection, unchanged)) {
    reopen(work, counts);
    if (!classifyUnchanged(work, counts)) changing.push(work);
  }
  await memory.lock(connection, changing);
  for (const work of changing) settle(work, counts);
  return refused;
}

/**
 * The same without a lock, for what is only asked: as if each session had been locked at what is
 * known of it.
 */
export async function previewBatch(
  connection: Queryable,
  memory: SessionLoader,
  batch: Messages,
  works: readonly SessionBatch[],
  counts: OutcomeCounts,
): Promise<void> {
  await memory.recall(connection, works);
  identifyByOlderRules(works, batch.metricOf);
  await refuse(connection, memory, batch, works, new Set(), counts);
  for (const work of works) {
    if (work.isSettled) continue;
    const { state, accountId } = work;
    work.touched = {
      revision: (state?.revision ?? 0n) + 1n,
      period: state?.period ?? '',
      accountId: state?.accountId ?? accountId,
    };
    settle(work, counts);
  }
}

async function refuse(
  connection: Queryable,
  memory: SessionLoader,
  batch: Messages,
  works: readonly SessionBatch[],
  remembered: ReadonlySet<SessionBatch>,
  counts: OutcomeCounts,
): Promise<DeadLetterMessage[]> {
  const withoutDetail = works.filter(({ state }) => state?.lacksDetail === true);
  for (const work of withoutDetail) work.isSettled = true;
  let excessive = works.filter((work) => !work.isSettled && bringsTooMany(work));
  if (withoutDetail.length === 0 && excessive.length === 0) return [];
  // To refuse is as final as to book: not by what may be stale.
  await memory.reload(
    connection,
    excessive.filter((work) => remembered.has(work)),
  );
  excessive = excessive.filter(bringsTooMany);
  return [
    ...(await classifyWithoutDetail(connection, batch, withoutDetail, counts)),
    ...refuseTooManyAttributes(batch.messages, excessive, counts),
  ];
}
