import { messageOf } from '../errors.ts';
import { isRefusedByPostgres } from '../postgres/errors.ts';
import type { Batch } from '../records/message.ts';
import { type ApplyResult, reportDeadLetters } from './apply-result.ts';
import { deadLetterOf } from './dead-letter.ts';
import { addOutcomes } from './outcomes.ts';

/**
 * Applies a batch. Where Postgres refuses a value, the batch is halved, and its halves are applied one
 * after the other, until the message with the value is alone: it becomes a dead letter.
 */
export async function isolateRefused(
  batch: Batch,
  apply: (batch: Batch) => Promise<ApplyResult>,
): Promise<ApplyResult> {
  try {
    return await apply(batch);
  } catch (error) {
    const [first, ...others] = batch.messages;
    if (!isRefusedByPostgres(error) || first === undefined) throw error;
    if (others.length > 0) return applyHalves(batch, apply);
    if (first.kind === 'dead_letter') throw error;
    const deadLetter = deadLetterOf(first, 'rejected_by_database', messageOf(error));
    const result = await apply({ ...batch, messages: [deadLetter] });
    return result.status === 'moved' ? result : reportDeadLetters(batch, result, [first.offset]);
  }
}

async function applyHalves(
  batch: Batch,
  apply: (batch: Batch) => Promise<ApplyResult>,
): Promise<ApplyResult> {
  const middle = batch.messages.length >> 1;
  const left = batch.messages.slice(0, middle);
  const right = batch.messages.slice(middle);
  const border = right[0]?.offset ?? batch.nextOffset;
  const first = await isolateRefused({ ...batch, nextOffset: border, messages: left }, apply);
  if (first.status === 'moved' || first.stoppedAt !== undefined) return first;
  const second = await isolateRefused({ ...batch, fromOffset: border, messages: right }, apply);
  if (second.status === 'moved') return second;
  return {
    ...second,
    counts: addOutcomes(first.counts, second.counts),
    otherAccounts: first.otherAccounts + second.otherAccounts,
  };
}
