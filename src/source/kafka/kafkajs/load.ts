import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { CODECS } from '../codecs/codecs.ts';
import { MAX_DECOMPRESSED_BYTES } from '../record-batch.ts';
import { consumerGroup } from './consumer-group.ts';
import { decodeMessages } from './decode-messages.ts';
import { fetchedPartition } from './fetched-partition.ts';
import { interruptibleSleep } from './interruptible-sleep.ts';
import type { Patch } from './patch.ts';
import { receivedBytes } from './received-bytes.ts';
import { requestQueue } from './request-queue.ts';

type Decompression = () => { decompress(bytes: Buffer): Promise<Buffer> };
export interface KafkaJs {
  readonly Kafka: typeof import('kafkajs').Kafka;
  readonly CompressionCodecs: Record<number, Decompression>;
}

/** The version that the patches were written for. */
export const KAFKAJS_VERSION = '2.2.4';

/** Each stands before those whose modules load it. */
export const PATCHES: readonly Patch<never>[] = [
  requestQueue,
  receivedBytes,
  interruptibleSleep,
  decodeMessages,
  fetchedPartition,
  consumerGroup,
];

const require = createRequire(import.meta.url);
let loaded: KafkaJs | undefined;

/**
 * kafkajs with the patches of this folder, for the member of a group; the file of each says why. None
 * of the modules that are replaced is documented by kafkajs: its version is exact in package.json, and
 * `load.unit.test.ts` fails when it or the source of a replaced module changes.
 *
 * May be called at any time: copies of kafkajs that were loaded before are left to whoever has them, but
 * none of them may have a consumer in this thread, for kafkajs loads some of its modules late.
 *
 * @throws when another version of kafkajs is installed
 */
export function loadPatchedKafkaJs(): KafkaJs {
  loaded ??= load();
  return loaded;
}

function load(): KafkaJs {
  const manifest = require.resolve('kafkajs/package.json');
  const { version } = require(manifest) as { version: string };
  if (version !== KAFKAJS_VERSION) {
    throw new Error(
      `kafkajs ${version} is installed, but its patches are for ${KAFKAJS_VERSION}; run: npm ci`,
    );
  }
  const source = join(dirname(manifest), 'src');
  for (const file of Object.keys(require.cache)) {
    if (file.startsWith(source)) delete require.cache[file];
  }
  delete require.cache[require.resolve('kafkajs')];
  for (const patch of PATCHES) apply(join(source, patch.file), patch);
  const kafkajs = require('kafkajs') as KafkaJs;
  addCodecs(kafkajs);
  return kafkajs;
}

function apply(file: string, { replace }: Patch<never>): void {
  const original = require(file) as never;
  const module = require.cache[file];
  if (module === undefined) throw new Error(`${file} cannot be replaced`);
  module.exports = replace(original);
}

/** For messages of old formats, which kafkajs decodes: of itself it has gzip alone, and without a limit. */
function addCodecs({ CompressionCodecs }: KafkaJs): void {
  for (const [number, codec] of CODECS) {
    const decompress = (bytes: Buffer) => codec.decompress(bytes, MAX_DECOMPRESSED_BYTES);
    CompressionCodecs[number] = () => ({ decompress });
  }
}
