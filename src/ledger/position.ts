import type { PartitionBounds } from '../records/topic-partition.ts';
import type { HaltKind } from './halt.ts';

/** Where a group stands in Postgres. */
export interface Position {
  readonly nextOffset: number;
  readonly pass: number;
}

/** A position with what else is stored beside it. */
export interface StoredPosition extends Position {
  /** Which life of the topic its offsets belong to, and the brokers' id of that, if they named one. */
  readonly generation: number;
  readonly topicId: string | undefined;
  readonly halt: StoredHalt | undefined;
  /** Dead letters before this offset do not count towards the limit. */
  readonly judgedFrom: number;
}

export interface StoredHalt {
  readonly kind: HaltKind;
  readonly cause: string;
  /** How long ago it was noted, in milliseconds. */
  readonly ageMs: number;
}

/** What the brokers say of a partition. */
export interface PartitionView extends PartitionBounds {
  /** `undefined`: they do not say. */
  readonly topicId: string | undefined;
}

/** Whether the broker's log, by what is known of it, is another one than the position's. */
export function isRecreated(
  { topicId }: Pick<StoredPosition, 'topicId'>,
  view: Pick<PartitionView, 'topicId'>,
): boolean {
  return topicId !== undefined && view.topicId !== undefined && topicId !== view.topicId;
}

/** Halted because an offset was not there; now the broker's log has grown over it again. */
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
