import type { ByteView } from '../bytes/byte-view.ts';
import type { BillableMetric, Identity } from '../identify/identity.ts';
import type { ReportedModelUsage } from '../livekit/types.ts';
import type { MetricType } from '../schemas/metric-records.ts';
import type { ConsumedRecord } from './consumed-record.ts';

/** What the ledger did with a message; in the books, every offset has exactly one. */
export type Outcome = 'applied' | 'duplicate' | 'ignored' | 'conflict' | 'dead_letter';

export type OutcomeCounts = Record<Outcome, number>;

/** Why a message is a dead letter. */
export const DEAD_LETTER_REASONS = [
  'not_avro_framed',
  'unknown_schema',
  'undecodable',
  'unknown_metric_type',
  'missing_session_id',
  'invalid_value',
  'rejected_by_database',
] as const;
export type DeadLetterReason = (typeof DEAD_LETTER_REASONS)[number];

/** What a message says of its session. */
export interface SessionNote {
  readonly sessionId: string;
  readonly accountId: string | null;
  readonly attributes: Readonly<Record<string, string>>;
  /** Microseconds since 1970. */
  readonly eventUs: number;
}

/** Takes a text as a string, or as the UTF-8 bytes that a record has it in. */
export interface TextSink {
  null(): void;
  text(value: string): void;
  /** From `start` up to `end`. */
  textFrom(source: ByteView, start: number, end: number): void;
}

/** The request id of a metric; an interruption has none. */
export interface RequestId {
  readonly requestId: string | null;
  /** Writes `requestId` from the bytes of the record, without making a string of it. */
  writeRequestId?(to: TextSink): void;
}

/** Of which record a message is. */
export interface OfRecord {
  readonly offset: number;
  readonly record: ConsumedRecord;
  /** That of the record, where it can be read without making an object of the record. */
  readonly timestamp?: number;
}

/**
 * A message that may be billed: the ledger decides whether it is new. It holds what is booked and not
 * the whole metric, since thousands of them wait in memory for their transaction.
 */
export interface BillableMessage extends OfRecord, SessionNote, Identity, RequestId {
  readonly kind: 'billable';
  readonly schemaId: number;
  readonly metricType: BillableMetric['type'];
  readonly provider: string;
  readonly model: string;
  /**
   * From `valuesFrom` on, what it adds to the columns of its type (see `usageValues`), then what it
   * measures of its call (see `measuredValues`).
   */
  readonly values: ArrayLike<number>;
  readonly valuesFrom: number;
}

/** What a message that is not billed measures of its call. */
export interface MeasuredValues {
  readonly metricType: MetricType;
  /** From `valuesFrom` on; see `measuredValues`. */
  readonly values: ArrayLike<number>;
  readonly valuesFrom: number;
}

/** A metric that is not billed, or a tombstone, which has no session. */
export interface IgnoredMessage extends OfRecord {
  readonly kind: 'ignored';
  readonly session: SessionNote | undefined;
  /** Of a session usage report: what the agent counted itself, as of `session.eventUs`. */
  readonly report?: readonly ReportedModelUsage[];
  /** `undefined`: it measures nothing. */
  readonly measured?: MeasuredValues | undefined;
}

/** A message that can never be applied. */
export interface DeadLetterMessage extends OfRecord {
  readonly kind: 'dead_letter';
  readonly reason: DeadLetterReason;
  readonly detail: string;
  readonly schemaId: number | null;
}

/** What a record became; see `MessageDecoder`. */
export type Message = BillableMessage | IgnoredMessage | DeadLetterMessage;

/** Consecutive messages of one partition, applied in one transaction. */
export interface Batch {
  readonly groupId: string;
  readonly topic: string;
  readonly partition: number;
  /** The pass of the group over the partition that the batch belongs to. */
  readonly pass: number;
  /** The generation of the topic that its offsets belong to. */
  readonly generation: number;
  /** Messages before this offset were read in an earlier pass of the group; 0 when left out. */
  readonly seenBefore?: number;
  /** Where the group stands before the batch, and after it. */
  readonly fromOffset: number;
  readonly nextOffset: number;
  readonly messages: readonly Message[];
  /** Decodes a message of the batch again, for the few whose whole metric is kept. */
  readonly metricOf: (message: BillableMessage) => BillableMetric;
  /**
   * Called for each message that Postgres rejected, once it is booked as a dead letter.
   *
   * @returns false to end the batch after it
   */
  readonly continuesAfter?: (offset: number) => boolean;
}
