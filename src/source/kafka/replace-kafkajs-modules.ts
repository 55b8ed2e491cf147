import { createRequire } from 'node:module';
import { CODECS } from './codecs/codecs.ts';
import { sleepUntilWoken } from './interruptible-sleep.ts';
import { type GroupClass, joinedBeforeFetching } from './kafkajs-membership.ts';
import {
  type DecodeMessages,
  type FetchedClass,
  type FilterAborted,
  fromWhereAsked,
  wholeBatches,
  withoutAborted,
} from './kafkajs-record-batches.ts';
import { MAX_DECOMPRESSED_BYTES } from './record-batch.ts';

/**
 * Replaces some of kafkajs's modules, in the thread of the group's member and nowhere else; each
 * replacement says why. None of them is part of kafkajs's documented surface: its version is exact
 * in package.json, and tests fail when this has no effect. To be called before kafkajs is loaded.
 */
export function replaceKafkajsModules(): void {
  // Each in front of those that load it.
  replace<typeof sleepUntilWoken>('utils/sleep.js', () => sleepUntilWoken);
  replace<DecodeMessages>('protocol/requests/fetch/v4/decodeMessages.js', wholeBatches);
  replace<FilterAborted>('consumer/filterAbortedMessages.js', () => withoutAborted);
  replace<FetchedClass>('consumer/batch.js', fromWhereAsked);
  replace<GroupClass>('consumer/consumerGroup.js', joinedBeforeFetching);
  addCodecs();
}

/** For messages of old formats, which kafkajs reads; it has gzip alone, and without a bound. */
function addCodecs(): void {
  const { CompressionCodecs } = require('kafkajs') as {
    CompressionCodecs: Record<number, () => { decompress(bytes: Buffer): Promise<Buffer> }>;
  };
  for (const [number, codec] of CODECS) {
    const decompress = (bytes: Buffer) => codec.decompress(bytes, MAX_DECOMPRESSED_BYTES);
    CompressionCodecs[number] = () => ({ decompress });
  }
}

const require = createRequire(import.meta.url);

function replace<T>(path: string, replacement: (original: T) => T): void {
  const file = require.resolve(`kafkajs/src/${path}`);
  const original = require(file) as T;
  const module = require.cache[file];
  if (module !== undefined) module.exports = replacement(original);
}
