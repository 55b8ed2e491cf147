import { createRequire } from 'node:module';

/** What is used of the class in kafkajs's `network/requestQueue`. */
interface RequestQueue {
  readonly prototype: {
    readonly pending: readonly unknown[];
    scheduleCheckPendingRequests(): void;
  };
}

let isDone = false;

/**
 * kafkajs: from its first answer on, each connection looks for requests that wait, every millisecond until
 * it is closed, which would keep the agent awake while nothing happens. From now on, it looks only while some
 * wait.
 *
 * Where the class is not found, as in a bundle, it stays as it is.
 */
export function restWhenEmpty(): void {
  if (isDone) return;
  isDone = true;
  try {
    const require = createRequire(import.meta.url);
    const { prototype } = require('kafkajs/src/network/requestQueue') as RequestQueue;
    const schedule = prototype.scheduleCheckPendingRequests;
    if (typeof schedule !== 'function') return;
    prototype.scheduleCheckPendingRequests = function () {
      if (this.pending.length > 0) schedule.call(this);
    };
  } catch {
    // Only costs time.
  }
}
