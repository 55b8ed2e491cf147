import type { CommittedOffset } from '../consume/partition-source.ts';
import type { PartitionBounds } from '../kafka/admin.ts';
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

/** Where to begin reading an assigned partition, and what must be written for that first. */
export type Start =
  /** No position yet: begin one here. */
  | { readonly kind: 'begin'; readonly offset: number }
  | { readonly kind: 'continue'; readonly position: StoredPosition }
  /** Somebody set the group back: read from there again, as another pass. */
  | { readonly kind: 'rewind'; readonly offset: number; readonly position: StoredPosition }
  /** Offsets from the position on are gone; `why` names what can be named of them. */
  | {
      readonly kind: 'lost';
      readonly position: StoredPosition;
      readonly why: string;
      /** A broker that has only just begun may say so for a moment. */
      readonly isPassing: boolean;
    };

/** Marks an offset that this program committed: one without the mark was set by somebody else. */
export const COMMIT_METADATA = 'usage-ledger';

/**
 * Decides where to begin. Postgres has the truth; what the group has committed is a copy of it,
 * with one exception: an offset that is lower, and that we did not commit ourselves, was set by a
 * person who wants a replay. (Our own copy may be lower too, after a crash between the two commits;
 * its metadata tells the two apart.)
 *
 * @param fetch a fetch that did not begin where it should, for which the position is looked up again
 */
export function decideStart(
  position: StoredPosition | undefined,
  committed: CommittedOffset | undefined,
  view: PartitionView,
  fetch?: { readonly asked: number; readonly given: number },
): Start {
  const { earliest, latest } = view;
  if (position === undefined) return { kind: 'begin', offset: earliest };
  const { nextOffset } = position;
  // First of all: a replay from what is left, or from another topic, would hide that some were lost.
  if (isRecreated(position, view)) {
    return lost(
      position,
      `the topic was recreated: position ${nextOffset} belongs to topic id ${position.topicId}, ` +
        `the broker has topic id ${view.topicId} with ${offsets(view)}`,
    );
  }
  if (nextOffset < earliest) {
    return lost(
      position,
      `offsets ${nextOffset} to ${earliest - 1} were deleted before they were read`,
    );
  }
  const asked = committed?.metadata.startsWith(COMMIT_METADATA) ? undefined : committed?.nextOffset;
  if (asked !== undefined && asked < nextOffset && asked <= latest) {
    return { kind: 'rewind', offset: Math.max(asked, earliest), position };
  }
  if (nextOffset > latest) {
    const why =
      `the partition ends at ${latest}, before the position ${nextOffset}: ` +
      'the topic was recreated, or the broker lost data';
    return lost(position, why, true);
  }
  // Only an offset that was not there sends a fetch back to the earliest one.
  if (fetch !== undefined && fetch.given === earliest && fetch.given < fetch.asked) {
    const why =
      `there was no offset ${fetch.asked} when it was to be read; now the broker has ` +
      `${offsets(view)}: the topic was recreated, or the broker lost data`;
    return lost(position, why);
  }
  if (position.halt?.kind === 'lost_offsets') return lost(position, position.halt.cause);
  return { kind: 'continue', position };
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

function lost(position: StoredPosition, why: string, isPassing = false): Start {
  return { kind: 'lost', position, why, isPassing };
}
