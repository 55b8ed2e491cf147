import { gunzip } from './gzip.ts';
import { decodeLz4Frame } from './lz4.ts';
import { decodeSnappy } from './snappy.ts';
import { decodeZstd } from './zstd.ts';

export interface Codec {
  readonly name: string;
  /**
   * @param maxBytes of what comes out; more than that is never held in memory
   * @throws when the bytes are malformed, or are more when decompressed
   */
  decompress(bytes: Buffer, maxBytes: number): Promise<Buffer>;
}

/** By their number in the attributes of a batch. Source: Kafka protocol, "Record Batch". */
export const CODECS: ReadonlyMap<number, Codec> = new Map([
  [1, { name: 'gzip', decompress: gunzip }],
  [2, { name: 'snappy', decompress: decodeSnappy }],
  [3, { name: 'lz4', decompress: decodeLz4Frame }],
  [4, { name: 'zstd', decompress: decodeZstd }],
]);
