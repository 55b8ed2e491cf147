import type { CommittedOffset } from '../consume/partition-source.ts';
import type { PartitionBounds } from '../kafka/admin.ts';

/** Where a group stands in Postgres. */
export interface Position {
  readonly nextOffset: number;
  readonly pass: number;
}

/** Where to begin reading an assigned partition, and what must be written for that first. */
export type Start =
  /** No position yet: begin one here. */
  | { readonly kind: 'begin'; readonly offset: number }
  | { readonly kind: 'continue'; readonly position: Position }
  /** Somebody set the group back: read from there again, as another pass. */
  | { readonly kind: 'rewind'; readonly offset: number; readonly fromPass: number }
  /** Offsets from the position on are gone; `lost` is what can be named of them. */
  | { readonly kind: 'lost'; readonly position: Position; readonly why: string };

/** Marks an offset that this program committed: one without the mark was set by somebody else. */
export const COMMIT_METADATA = 'usage-ledger';

/**
 * Decides where to begin. Postgres has the truth; what the group has committed is a copy of it,
 * with one exception: an offset that is behind, and that we did not commit ourselves, was set by a
 * person who wants a replay. (Our own copy may be behind too, after a crash between the two
 * commits; its metadata tells the two apart.)
 */
export function decideStart(
  position: Position | undefined,
  committed: CommittedOffset | undefined,
  bounds: PartitionBounds,
): Start {
  if (position === undefined) return { kind: 'begin', offset: bounds.earliest };
  const { nextOffset, pass } = position;
  // First of all: a replay from the earliest offset that is left would hide that some were lost.
  if (nextOffset < bounds.earliest) {
    const why = `offsets ${nextOffset} to ${bounds.earliest - 1} were deleted before they were read`;
    return { kind: 'lost', position, why };
  }
  const asked = committed?.metadata.startsWith(COMMIT_METADATA) ? undefined : committed?.nextOffset;
  if (asked !== undefined && asked < nextOffset && asked <= bounds.latest) {
    return { kind: 'rewind', offset: Math.max(asked, bounds.earliest), fromPass: pass };
  }
  if (nextOffset > bounds.latest) {
    const why =
      `the partition ends at ${bounds.latest}, before the position ${nextOffset}: ` +
      'the topic was made anew, or the broker lost data';
    return { kind: 'lost', position, why };
  }
  return { kind: 'continue', position };
}
