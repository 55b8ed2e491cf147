/**
 * The receiver thread: a member of the group. What the brokers send is received, decompressed, packed and
 * read ahead here, and heartbeats are sent while the worker's thread is busy with a batch.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { Arena } from '../../bytes/arena.ts';
import { SharedMemory } from '../../bytes/shared-memory.ts';
import { createLogger } from '../../config/logger.ts';
import { MEMORY_BUDGET } from '../../config/memory-budget.ts';
import { readerFor } from '../../decode/avro/reader.ts';
import type { ColumnReader } from '../../decode/columnar/column-reader.ts';
import { ColumnarSchema } from '../../decode/columnar/columnar-schema.ts';
import { readAhead } from '../../decode/columnar/read-ahead.ts';
import { messageOf } from '../../errors.ts';
import { kafkaConfig } from '../../kafka/client-config.ts';
import { kafkaErrorClass } from '../../kafka/error-class.ts';
import { keyOf } from '../../records/topic-partition.ts';
import type { FetchedBatch } from '../partition-source.ts';
import { crc32c } from './checksum.ts';
import { loadPatchedKafkaJs } from './kafkajs/load.ts';
import { KafkaJsMember } from './kafkajs-member.ts';
import type { Command, Event, ReceiverData } from './receiver-protocol.ts';

/** Back-pressure: bytes that are sent before the worker has taken them. */
const MAX_BYTES_SENT = MEMORY_BUDGET.aheadOfWorker;
/** Fetches of fewer bytes get memory of their own, which needs no release. */
const LEAST_SHARED_BYTES = 32_768;

const { settings, groupId, topics } = workerData as ReceiverData;
const logger = createLogger(settings.LOG_LEVEL);
const shared = new SharedMemory();
const { Kafka } = loadPatchedKafkaJs();
const member = new KafkaJsMember({
  kafka: new Kafka(kafkaConfig(settings, logger)),
  groupId,
  topics,
  sessionTimeoutMs: settings.KAFKA_SESSION_TIMEOUT_MS,
  logger,
  onError: (error) => send({ type: 'failed', class: kafkaErrorClass(error) }),
  makeArena: (bytes) => (bytes < LEAST_SHARED_BYTES ? Arena.none : new Arena(shared.take(bytes))),
});
if (crc32c === undefined) {
  logger.warn(
    'checksums of record batches are not verified: @node-rs/crc32 has no build for this platform',
  );
}
/** What is not sent yet, with the last seek of its partition. */
interface Received {
  readonly batch: FetchedBatch;
  readonly seek: number;
}
const received: Received[] = [];
/** By schema id; `undefined`: its messages take the reference path. */
const readers = new Map<number, ColumnReader | undefined>();
const seeks = new Map<string, number>();
let bytesSent = 0;
const waiting: (() => void)[] = [];

parentPort?.on('message', (command: Command) => {
  switch (command.type) {
    case 'start':
      return answer(command.id, () =>
        member.start({
          assigned: (partitions) => {
            sendAll();
            send({ type: 'assigned', partitions });
          },
          revoked: () => {
            sendAll();
            send({ type: 'revoked' });
          },
          fetched: (batch) => {
            const seek = seeks.get(keyOf(batch)) ?? 0;
            bytesSent += batch.records.bytes;
            // Later: kafkajs asks the broker for more before this is read ahead.
            if (received.push({ batch, seek }) === 1) setImmediate(sendNext);
            return bytesSent < MAX_BYTES_SENT ? undefined : untilTaken();
          },
          unreadable: (part) => {
            sendAll();
            send({ type: 'unreadable', part, seek: seeks.get(keyOf(part)) ?? 0 });
          },
          missing: (topics) => send({ type: 'missing', topics }),
        }),
      );
    case 'stop':
      return answer(command.id, () => member.stop());
    case 'commit':
      return answer(command.id, () => member.commit(command.positions));
    case 'seek':
      seeks.set(keyOf(command.where), command.seek);
      return member.seek(command.where, command.offset);
    case 'registerSchema':
      return registerSchema(command.schemaId, command.schema);
    case 'pause':
      return member.pause(command.where);
    case 'resume':
      return member.resume(command.where);
    case 'release':
      return shared.give(command.memory);
    case 'taken':
      bytesSent -= command.bytes;
      if (bytesSent < MAX_BYTES_SENT) for (const resolve of waiting.splice(0)) resolve();
  }
});

function sendNext(): void {
  const next = received.shift();
  if (next !== undefined) sendBatch(next);
  if (received.length > 0) setImmediate(sendNext);
}

/** Before an event that must follow what was received before it. */
function sendAll(): void {
  for (const next of received.splice(0)) sendBatch(next);
}

function sendBatch({ batch: { records, ...batch }, seek }: Received): void {
  const { packed } = records;
  const isKnown = packed.schemaIds.size > 0 && knowsAll(packed.schemaIds);
  if (isKnown) {
    const { memory, end } = packed.shared ?? Arena.none;
    records.columns = readAhead(records, (id) => readers.get(id), new Arena(memory, end));
  }
  const { columns, memories } = records;
  send({ type: 'fetched', batch, records: packed, columns, seek }, memories);
}

function knowsAll(schemaIds: ReadonlySet<number>): boolean {
  for (const id of schemaIds) if (!readers.has(id)) return false;
  return true;
}

/** Messages of a schema that cannot be read take the reference path too: it makes dead letters of them. */
function registerSchema(schemaId: number, schema: unknown): void {
  try {
    readers.set(schemaId, ColumnarSchema.of(readerFor(schema).writer)?.reader);
  } catch (error) {
    logger.debug({ schemaId, error: messageOf(error) }, 'a schema cannot be read ahead');
    readers.set(schemaId, undefined);
  }
}

function untilTaken(): Promise<void> {
  return new Promise((resolve) => {
    waiting.push(resolve);
  });
}

function answer(id: number, work: () => Promise<void>): void {
  work().then(
    () => send({ type: 'done', id, error: undefined }),
    (error: unknown) => {
      send({ type: 'failed', class: kafkaErrorClass(error) });
      send({ type: 'done', id, error: messageOf(error) });
    },
  );
}

function send(event: Event, transfer: ArrayBuffer[] = []): void {
  parentPort?.postMessage(event, transfer);
}
