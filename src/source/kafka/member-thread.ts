/**
 * The thread in which the group's member lives: what the brokers send is received, unpacked and
 * packed anew here, and heartbeats go out while the worker's own thread is busy with a batch.
 */
// First, before kafkajs is loaded.
import './with-kafkajs-replaced.ts';

import { parentPort, workerData } from 'node:worker_threads';
import { Arena } from '../../bytes/arena.ts';
import { SharedMemory } from '../../bytes/shared-memory.ts';
import { createLogger } from '../../config/logger.ts';
import { readerFor } from '../../decode/avro/reader.ts';
import type { ColumnReader } from '../../decode/columnar/column-reader.ts';
import { ColumnarSchema } from '../../decode/columnar/columnar-schema.ts';
import { readAhead } from '../../decode/columnar/read-ahead.ts';
import { messageOf } from '../../errors.ts';
import { createKafka } from '../../kafka/client.ts';
import { keyOf } from '../../records/topic-partition.ts';
import type { FetchedBatch } from '../partition-source.ts';
import { crc32c } from './checksum.ts';
import { KafkaJsMember } from './kafkajs-member.ts';
import type { MemberData, News, Order } from './member-messages.ts';

/** Bytes that are handed over before the worker must have said that there is room for more. */
const MAX_BYTES_AHEAD = 3 * 1_048_576;
/** Bytes of a fetch below which it is handed over in memory of its own: that is given back by itself. */
const WORTH_SHARING = 32_768;

const { settings, groupId, topics } = workerData as MemberData;
const logger = createLogger(settings.LOG_LEVEL);
const shared = new SharedMemory();
const member = new KafkaJsMember({
  // What is fetched is packed, and with that copied, before more is fetched.
  kafka: createKafka(settings, logger, { reusesAnswers: true }),
  groupId,
  topics,
  sessionTimeoutMs: settings.KAFKA_SESSION_TIMEOUT_MS,
  logger,
  makeArena: (bytes) => (bytes < WORTH_SHARING ? Arena.none : new Arena(shared.take(bytes))),
});
if (crc32c === undefined) {
  logger.warn('record batches are not checked: @node-rs/crc32 has no build for this platform');
}
/** What is not handed over yet, with the last seek of its partition. */
interface Received {
  readonly batch: FetchedBatch;
  readonly seek: number;
}
const received: Received[] = [];
/** By schema id; `undefined`: its messages are for the careful reader. */
const readers = new Map<number, ColumnReader | undefined>();
const seeks = new Map<string, number>();
let bytesAhead = 0;
const waiting: (() => void)[] = [];

parentPort?.on('message', (order: Order) => {
  switch (order.order) {
    case 'start':
      return carryOut(order.id, () =>
        member.start({
          assigned: (partitions) => {
            handOverAll();
            tell({ news: 'assigned', partitions });
          },
          revoked: () => {
            handOverAll();
            tell({ news: 'revoked' });
          },
          fetched: (batch) => {
            const seek = seeks.get(keyOf(batch)) ?? 0;
            bytesAhead += batch.records.bytes;
            // Later: the broker is to be asked for more before this is read ahead.
            if (received.push({ batch, seek }) === 1) setImmediate(handOverNext);
            return bytesAhead < MAX_BYTES_AHEAD ? undefined : roomForMore();
          },
          unreadable: (part) => {
            handOverAll();
            tell({ news: 'unreadable', part, seek: seeks.get(keyOf(part)) ?? 0 });
          },
          missing: (topics) => tell({ news: 'missing', topics }),
        }),
      );
    case 'stop':
      return carryOut(order.id, () => member.stop());
    case 'commit':
      return carryOut(order.id, () => member.commit(order.positions));
    case 'seek':
      seeks.set(keyOf(order.where), order.seek);
      return member.seek(order.where, order.offset);
    case 'registerSchema':
      return registerSchema(order.schemaId, order.schema);
    case 'pause':
      return member.pause(order.where);
    case 'resume':
      return member.resume(order.where);
    case 'reuse':
      return shared.give(order.memory);
    case 'room':
      bytesAhead -= order.bytes;
      if (bytesAhead < MAX_BYTES_AHEAD) for (const resolve of waiting.splice(0)) resolve();
  }
});

function handOverNext(): void {
  const next = received.shift();
  if (next !== undefined) handOver(next);
  if (received.length > 0) setImmediate(handOverNext);
}

/** In front of news that must come behind what was received before. */
function handOverAll(): void {
  for (const next of received.splice(0)) handOver(next);
}

function handOver({ batch: { records, ...batch }, seek }: Received): void {
  const { packed } = records;
  const isKnown = packed.schemaIds.size > 0 && knowsAll(packed.schemaIds);
  if (isKnown) {
    const { memory, end } = packed.shared ?? Arena.none;
    records.columns = readAhead(records, (id) => readers.get(id), new Arena(memory, end));
  }
  const { columns, memories } = records;
  tell({ news: 'fetched', batch, records: packed, columns, seek }, memories);
}

function knowsAll(schemaIds: ReadonlySet<number>): boolean {
  for (const id of schemaIds) if (!readers.has(id)) return false;
  return true;
}

/** A schema that cannot be read is for the careful path too: it is what refuses the messages. */
function registerSchema(schemaId: number, schema: unknown): void {
  try {
    readers.set(schemaId, ColumnarSchema.of(readerFor(schema).writer)?.reader);
  } catch (error) {
    logger.debug({ schemaId, error: messageOf(error) }, 'a schema cannot be read ahead');
    readers.set(schemaId, undefined);
  }
}

function roomForMore(): Promise<void> {
  return new Promise((resolve) => {
    waiting.push(resolve);
  });
}

function carryOut(id: number, work: () => Promise<void>): void {
  work().then(
    () => tell({ news: 'done', id, error: undefined }),
    (error: unknown) => tell({ news: 'done', id, error: messageOf(error) }),
  );
}

function tell(news: News, transfer: ArrayBuffer[] = []): void {
  parentPort?.postMessage(news, transfer);
}
