import type { Settings } from '../../config/settings.ts';
import type { MissingTopic } from '../../kafka/topics.ts';
import type { Columns } from '../../records/columns.ts';
import type { PackedRecords } from '../../records/packed-records.ts';
import type { TopicPartition } from '../../records/topic-partition.ts';
import type { CommittedPosition, FetchedBatch, UnreadablePart } from '../partition-source.ts';

/** What the thread of the group's member is given when it starts. */
export interface MemberData {
  readonly settings: Settings;
  readonly groupId: string;
  readonly topics: readonly string[];
}

/** What the worker tells the thread. */
export type Order =
  | { readonly order: 'start' | 'stop'; readonly id: number }
  | {
      readonly order: 'commit';
      readonly id: number;
      readonly positions: readonly CommittedPosition[];
    }
  | {
      readonly order: 'seek';
      readonly where: TopicPartition;
      readonly offset: number;
      /** Counts the seeks of the partition: what was fetched before this one is dropped. */
      readonly seek: number;
    }
  | { readonly order: 'pause' | 'resume'; readonly where: TopicPartition }
  | { readonly order: 'registerSchema'; readonly schemaId: number; readonly schema: unknown }
  /** What was handed over is not needed any more. */
  | { readonly order: 'reuse'; readonly memory: SharedArrayBuffer }
  /** There is room again for so many of the bytes that were handed over. */
  | { readonly order: 'room'; readonly bytes: number };

/** What the thread tells the worker. */
export type News =
  /** An order that has an id was carried out, or failed. */
  | { readonly news: 'done'; readonly id: number; readonly error: string | undefined }
  | { readonly news: 'assigned'; readonly partitions: readonly TopicPartition[] }
  | { readonly news: 'revoked' }
  | { readonly news: 'missing'; readonly topics: readonly MissingTopic[] }
  | { readonly news: 'unreadable'; readonly part: UnreadablePart; readonly seek: number }
  | {
      readonly news: 'fetched';
      readonly batch: Omit<FetchedBatch, 'records'>;
      readonly records: PackedRecords;
      /** What was read ahead of them, when their schemas were known. */
      readonly columns: Columns | undefined;
      /** The last seek of the partition that the batch follows. */
      readonly seek: number;
    };
