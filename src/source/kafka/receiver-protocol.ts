import type { Settings } from '../../config/settings.ts';
import type { KafkaErrorClass } from '../../kafka/error-class.ts';
import type { MissingTopic } from '../../kafka/topics.ts';
import type { Columns } from '../../records/columns.ts';
import type { PackedRecords } from '../../records/packed-records.ts';
import type { TopicPartition } from '../../records/topic-partition.ts';
import type { CommittedPosition, FetchedBatch, UnreadablePart } from '../partition-source.ts';

/** What the receiver thread is started with. */
export interface ReceiverData {
  readonly settings: Settings;
  readonly groupId: string;
  readonly topics: readonly string[];
}

/** From the worker's thread to the receiver thread. One with an `id` is answered by `done`. */
export type Command =
  | { readonly type: 'start' | 'stop'; readonly id: number }
  | {
      readonly type: 'commit';
      readonly id: number;
      readonly positions: readonly CommittedPosition[];
    }
  | {
      readonly type: 'seek';
      readonly where: TopicPartition;
      readonly offset: number;
      /** Counts the seeks of the partition: what was fetched before this one is dropped. */
      readonly seek: number;
    }
  | { readonly type: 'pause' | 'resume'; readonly where: TopicPartition }
  | { readonly type: 'registerSchema'; readonly schemaId: number; readonly schema: unknown }
  /** The records in this memory are not needed any more. */
  | { readonly type: 'release'; readonly memory: SharedArrayBuffer }
  /** Of the bytes that were sent, so many are taken: as many more may follow. */
  | { readonly type: 'taken'; readonly bytes: number };

/** From the receiver thread to the worker's thread. */
export type Event =
  | { readonly type: 'done'; readonly id: number; readonly error: string | undefined }
  | { readonly type: 'assigned'; readonly partitions: readonly TopicPartition[] }
  | { readonly type: 'revoked' }
  /** For metrics: what the brokers answered, or that they did not. */
  | { readonly type: 'failed'; readonly class: KafkaErrorClass }
  | { readonly type: 'missing'; readonly topics: readonly MissingTopic[] }
  | { readonly type: 'unreadable'; readonly part: UnreadablePart; readonly seek: number }
  | {
      readonly type: 'fetched';
      readonly batch: Omit<FetchedBatch, 'records'>;
      readonly records: PackedRecords;
      /** What was read ahead of them, when their schemas were known. */
      readonly columns: Columns | undefined;
      /** The last seek of the partition before it was fetched. */
      readonly seek: number;
    };
