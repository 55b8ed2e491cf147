/*
 * kafkajs: each connection looks for requests that wait, every millisecond until it is closed.
 * Not good enough: it keeps the thread awake while nothing happens.
 * Changed: `network/requestQueue`, to look only while requests wait (kafka/request-queue.ts).
 */
import {
  REQUEST_QUEUE_FILE,
  type RequestQueue,
  restWhenEmpty,
} from '../../../kafka/request-queue.ts';
import type { Patch } from './patch.ts';

export const requestQueue: Patch<RequestQueue> = {
  file: REQUEST_QUEUE_FILE,
  replace: (queue) => {
    restWhenEmpty(queue);
    return queue;
  },
};
