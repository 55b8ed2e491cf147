import type { TopicPartition } from '../records/topic-partition.ts';

export type HaltKind = 'lost_offsets' | 'unreadable' | 'dead_letter_limit';

/** Why a partition does not go on until a person has decided. */
export interface Halt {
  readonly kind: HaltKind;
  /** What happened: this is kept with the position. */
  readonly cause: string;
  /** The cause, and the command that resolves it. */
  readonly why: string;
}

export function haltOf(kind: HaltKind, where: TopicPartition, cause: string): Halt {
  // What cannot be read is named with the command that goes on after it.
  if (kind === 'unreadable') return { kind, cause, why: cause };
  const todo =
    kind === 'lost_offsets'
      ? `restore them, or run: ${positionCommand('accept-loss', where)}`
      : `fix the cause, then run: ${positionCommand('resume', where)} ` +
        '(only what is sent after that counts towards the limit again), or restart (what is there ' +
        'counts, from here on)';
  return { kind, cause, why: `${cause}; ${todo}` };
}

function positionCommand(name: string, { topic, partition }: TopicPartition): string {
  return `usage-ledger position ${name} --topic ${topic} --partition ${partition}`;
}
