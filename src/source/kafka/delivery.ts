import { RecordBlock } from '../../records/record-block.ts';
import type { FetchedBatch, UnreadablePart } from '../partition-source.ts';
import type { FetchedPartition } from './kafkajs/fetched-partition.ts';
import type { MakeArena } from './pack-batches.ts';
import { packEntries } from './pack-entries.ts';
import { type Unreadable, whyUnreadable } from './unreadable.ts';

export type Delivery =
  | {
      readonly batch: FetchedBatch;
      /** Where to fetch next, when that is not after what was fetched. */
      readonly seekTo: number | undefined;
    }
  | { readonly unreadable: UnreadablePart };

/** What the listener is to be given of what was fetched of a partition. */
export function deliveryOf(fetched: FetchedPartition, makeArena?: MakeArena): Delivery {
  const { topic, partition, fetchedOffset: fromOffset } = fetched;
  const unreadableAs = (what: Unreadable): Delivery => {
    const why = whyUnreadable({ topic, partition }, fromOffset, what);
    return { unreadable: { topic, partition, fromOffset, why } };
  };
  if (fetched.unreadable !== undefined) return unreadableAs(fetched.unreadable);
  const packed = packEntries(fetched.messages, fromOffset, makeArena);
  if ('unreadable' in packed) return unreadableAs(packed.unreadable);
  const batch = {
    topic,
    partition,
    fromOffset,
    nextOffset: packed.malformedFrom ?? Number(fetched.lastOffset()) + 1,
    records: new RecordBlock(packed.records),
    endOffset: Number(fetched.highWatermark),
  };
  // What could not be packed is fetched again, and then nothing comes before it.
  return { batch, seekTo: packed.malformedFrom };
}
