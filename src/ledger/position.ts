import type { PartitionBounds } from '../records/topic-partition.ts';
import type { HaltKind } from './halt.ts';

/** Where a group stands in Postgres. */
export interface Position {
  readonly nextOffset: number;
  readonly pass: number;
}

/** A position with all that is stored with it. */
export interface StoredPosition extends Position {
  /** Of the topic that its offsets belong to, and the brokers' id of that; `undefined`: they have none. */
  readonly generation: number;
  readonly topicId: string | undefined;
  readonly halt: StoredHalt | undefined;
  /** Dead letters before this offset do not count towards DEAD_LETTER_LIMIT. */
  readonly judgedFrom: number;
}

export interface StoredHalt {
  readonly kind: HaltKind;
  readonly cause: string;
  /** How long ago it was stored, in milliseconds. */
  readonly ageMs: number;
}

/** A partition as the brokers have it. */
export interface PartitionView extends PartitionBounds {
  /** `undefined`: they have none. */
  readonly topicId: string | undefined;
}

/** Whether the topic has another id than the one that the position was begun in, if both are known. */
export function isRecreated(
  { topicId }: Pick<StoredPosition, 'topicId'>,
  view: Pick<PartitionView, 'topicId'>,
): boolean {
  return topicId !== undefined && view.topicId !== undefined && topicId !== view.topicId;
}

/** Whether the position, halted because its offset was lost, is again within a log that was cut. */
export function wasCut(
  { halt, nextOffset }: Pick<StoredPosition, 'halt' | 'nextOffset'>,
  { earliest }: PartitionBounds,
): boolean {
  return halt?.kind === 'lost_offsets' && nextOffset >= earliest;
}

/** What a partition holds, in words. */
export function offsets({ earliest, latest }: PartitionBounds): string {
  return earliest === latest
    ? `no offsets before ${latest}`
    : `offsets ${earliest} to ${latest - 1}`;
}
