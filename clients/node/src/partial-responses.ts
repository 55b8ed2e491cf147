import { createRequire } from 'node:module';

/** What is used of the class in kafkajs's `network/connection`. */
interface Connection {
  readonly prototype: {
    isConnected(): boolean;
    bytesBuffered: number;
    bytesNeeded: number;
    chunks: Buffer[];
    connect(): Promise<unknown>;
  };
}

/** Of the size that each response begins with. Source: Kafka protocol, "Protocol Primitives". */
const SIZE_BYTES = 4;

let isDone = false;

/**
 * kafkajs: when a connection breaks within a response, what came of it stays, and is read as the beginning
 * of what the next connection receives: no request is answered any more, until as many bytes have come. From
 * now on, each connection begins with nothing.
 *
 * Where the class is not found, as in a bundle, it stays as it is.
 */
export function forgetPartialResponses(): void {
  if (isDone) return;
  isDone = true;
  try {
    const require = createRequire(import.meta.url);
    const { prototype } = require('kafkajs/src/network/connection') as Connection;
    const connect = prototype.connect;
    if (typeof connect !== 'function') return;
    prototype.connect = function () {
      if (!this.isConnected()) {
        this.chunks = [];
        this.bytesBuffered = 0;
        this.bytesNeeded = SIZE_BYTES;
      }
      return connect.call(this);
    };
  } catch {
    // As rare as it was.
  }
}
