import { createRequire } from 'node:module';

/** What is used of the class in kafkajs's `network/requestQueue`. */
export interface RequestQueue {
  readonly prototype: {
    readonly pending: readonly unknown[];
    scheduleCheckPendingRequests(): void;
  };
}

/** Where kafkajs has the class, in its `src`. */
export const REQUEST_QUEUE_FILE = 'network/requestQueue/index.js';

const require = createRequire(import.meta.url);

/** The class of the kafkajs that is loaded now. */
export function loadedRequestQueue(): RequestQueue {
  return require(`kafkajs/src/${REQUEST_QUEUE_FILE}`) as RequestQueue;
}

/**
 * kafkajs: from its first answer on, each connection looks for requests that wait, every millisecond until
 * it is closed: the timer starts itself again, whether one waits or not. Its time lies in the past, of which
 * Node 24 warns.
 *
 * From now on, a connection looks only while requests wait; one that is added starts the timer itself.
 */
export function restWhenEmpty({ prototype }: RequestQueue): void {
  const schedule = prototype.scheduleCheckPendingRequests;
  prototype.scheduleCheckPendingRequests = function () {
    if (this.pending.length > 0) schedule.call(this);
  };
}
