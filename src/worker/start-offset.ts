import {
  isRecreated,
  offsets,
  type PartitionView,
  type StoredPosition,
} from '../ledger/position.ts';
import type { CommittedOffset } from '../source/partition-source.ts';

/** Where to begin reading an assigned partition, and what must be written for that first. */
export type Start =
  /** No position yet: begin one here. */
  | { readonly kind: 'begin'; readonly offset: number }
  | { readonly kind: 'continue'; readonly position: StoredPosition }
  /** Somebody set the group back: read from there again, as another pass. */
  | { readonly kind: 'rewind'; readonly offset: number; readonly position: StoredPosition }
  /** Offsets from the position on are lost; `why` names those that are known. */
  | {
      readonly kind: 'lost';
      readonly position: StoredPosition;
      readonly why: string;
      /** Whether a broker that has just started may report it for a moment. */
      readonly isPassing: boolean;
    };

/** Marks an offset that this program committed: one without the mark was set by another tool. */
export const COMMIT_METADATA = 'usage-ledger';

/**
 * Decides where to begin. The position in Postgres decides; the group's committed offset is a copy,
 * with one exception: a lower one that this program did not commit was set by a person who wants a
 * replay. (Our own copy may be lower too, after a crash between the two commits; its metadata
 * distinguishes it.)
 *
 * @param fetch the misplaced fetch for which the position is looked up again, if any
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
  // Checked first: a replay from what is left, or from another topic, would hide lost offsets.
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
  // A fetch moves to the earliest offset only when the one that it was asked for did not exist.
  if (fetch !== undefined && fetch.given === earliest && fetch.given < fetch.asked) {
    const why =
      `there was no offset ${fetch.asked} when it was to be read; now the broker has ` +
      `${offsets(view)}: the topic was recreated, or the broker lost data`;
    return lost(position, why);
  }
  if (position.halt?.kind === 'lost_offsets') return lost(position, position.halt.cause);
  return { kind: 'continue', position };
}

function lost(position: StoredPosition, why: string, isPassing = false): Start {
  return { kind: 'lost', position, why, isPassing };
}
