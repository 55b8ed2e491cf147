/** One record as it came from the broker. */
export interface ConsumedRecord {
  /** Position in its partition. */
  readonly offset: number;
  /** The broker's or producer's timestamp, in milliseconds since 1970. */
  readonly timestamp: number;
  readonly key: Buffer | null;
  /** `null`: a tombstone. */
  readonly value: Buffer | null;
  readonly headers: Readonly<Record<string, HeaderValue>>;
}

/** kafkajs gives a header that is repeated as an array. */
export type HeaderValue = Buffer | string | (Buffer | string)[] | undefined;
