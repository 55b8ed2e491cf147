import type { TopicPartition } from '../records/topic-partition.ts';

export type HaltKind = 'lost_offsets' | 'unreadable' | 'dead_letter_limit';

/** Why a partition waits for a person's decision. */
export interface Halt {
  readonly kind: HaltKind;
  /** What happened; stored with the position. */
  readonly cause: string;
  /** The cause, and the command that resolves it. */
  readonly why: string;
}

export function haltOf(kind: HaltKind, where: TopicPartition, cause: string): Halt {
  // Its cause already names the command that resumes after it.
  if (kind === 'unreadable') return { kind, cause, why: cause };
  const todo =
    kind === 'lost_offsets'
      ? `restore them, or run: ${positionCommand('accept-loss', where)}`
      : `fix the cause, then run: ${positionCommand('resume', where)} ` +
        '(only what is sent after that counts towards the limit again), or restart (the messages ' +
        'from this offset on count)';
  return { kind, cause, why: `${cause}; ${todo}` };
}

function positionCommand(name: string, { topic, partition }: TopicPartition): string {
  return `usage-ledger position ${name} --topic ${topic} --partition ${partition}`;
}
