/**
 * The thread in which the group's member lives: what the brokers send is received, unpacked and
 * packed anew here, and heartbeats go out while the worker's own thread is busy with a batch.
 */
// First, before kafkajs is loaded.
import './receive-whole-batches.ts';

import { parentPort, workerData } from 'node:worker_threads';
import { createLogger } from '../config/logger.ts';
import { messageOf } from '../errors.ts';
import { createKafka } from '../kafka/client.ts';
import { KafkaJsMember } from './kafkajs-member.ts';
import type { MemberData, News, Order } from './member-messages.ts';
import { keyOf } from './partition-source.ts';

/** Bytes that are handed over before the worker must have said that there is room for more. */
const MAX_BYTES_AHEAD = 1_048_576;

const { settings, groupId, topics } = workerData as MemberData;
const logger = createLogger(settings.LOG_LEVEL);
const member = new KafkaJsMember({
  kafka: createKafka(settings, logger),
  groupId,
  topics,
  sessionTimeoutMs: settings.KAFKA_SESSION_TIMEOUT_MS,
  logger,
});
const seeks = new Map<string, number>();
let bytesAhead = 0;
const waiting: (() => void)[] = [];

parentPort?.on('message', (order: Order) => {
  switch (order.order) {
    case 'start':
      return carryOut(order.id, () =>
        member.start({
          assigned: (partitions) => tell({ news: 'assigned', partitions }),
          revoked: () => tell({ news: 'revoked' }),
          fetched: ({ records: { packed }, ...batch }) => {
            const { data, coordinates, layout } = packed;
            const seek = seeks.get(keyOf(batch)) ?? 0;
            bytesAhead += packed.bytes;
            tell({ news: 'fetched', batch, records: packed, seek }, [
              data.buffer as ArrayBuffer,
              coordinates.buffer as ArrayBuffer,
              layout.buffer as ArrayBuffer,
            ]);
            return bytesAhead < MAX_BYTES_AHEAD ? undefined : roomForMore();
          },
        }),
      );
    case 'stop':
      return carryOut(order.id, () => member.stop());
    case 'commit':
      return carryOut(order.id, () => member.commit(order.positions));
    case 'seek':
      seeks.set(keyOf(order.where), order.seek);
      return member.seek(order.where, order.offset);
    case 'pause':
      return member.pause(order.where);
    case 'resume':
      return member.resume(order.where);
    case 'room':
      bytesAhead -= order.bytes;
      if (bytesAhead < MAX_BYTES_AHEAD) for (const resolve of waiting.splice(0)) resolve();
  }
});

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
