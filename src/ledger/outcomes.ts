import type { Message, OutcomeCounts } from '../records/message.ts';
import type { SessionBatch } from './session-batch.ts';

export function noOutcomes(): OutcomeCounts {
  return { applied: 0, duplicate: 0, ignored: 0, conflict: 0, dead_letter: 0 };
}

/**
 * Counts the outcomes of a batch whose sessions are classified. Every message has exactly one.
 *
 * @param deadLetters how many there are, those that only the ledger made included
 */
export function countOutcomes(
  messages: readonly Message[],
  sessions: readonly SessionBatch[],
  deadLetters: number,
): OutcomeCounts {
  const counts = { ...noOutcomes(), dead_letter: deadLetters };
  for (const message of messages) {
    if (message.kind === 'ignored' && message.session === undefined) counts.ignored += 1;
  }
  for (const { sessionId, ignored, outcomes } of sessions) {
    if (outcomes === undefined) throw new Error(`session ${sessionId} was not classified`);
    counts.ignored += ignored;
    counts.applied += outcomes.fresh.length;
    counts.duplicate += outcomes.duplicates;
    counts.conflict += outcomes.conflicting.length;
  }
  const { applied, duplicate, ignored, conflict } = counts;
  const sum = applied + duplicate + ignored + conflict + deadLetters;
  if (sum !== messages.length) throw new Error(`${messages.length} messages have ${sum} outcomes`);
  return counts;
}

export function addOutcomes(a: OutcomeCounts, b: OutcomeCounts): OutcomeCounts {
  return {
    applied: a.applied + b.applied,
    duplicate: a.duplicate + b.duplicate,
    ignored: a.ignored + b.ignored,
    conflict: a.conflict + b.conflict,
    dead_letter: a.dead_letter + b.dead_letter,
  };
}
