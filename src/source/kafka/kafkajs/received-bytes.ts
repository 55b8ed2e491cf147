/*
 * kafkajs: a connection keeps the bytes after the response that it has read, of which there are mostly none.
 * Not good enough: that empty rest is a view of the whole response, so that each response stays in memory
 * until the next one has come, and is old by then. And because of it, the next one is copied once more.
 * Changed: `network/connection`, to keep nothing where nothing is left.
 */
import type { Patch } from './patch.ts';

/** What is used of kafkajs's class. */
interface Connection {
  readonly prototype: {
    bytesBuffered: number;
    chunks: Buffer[];
    processData(data: Buffer): void;
  };
}

export const receivedBytes: Patch<Connection> = {
  file: 'network/connection.js',
  replace: (connection) => {
    const { prototype } = connection;
    const process = prototype.processData;
    prototype.processData = function (data) {
      process.call(this, data);
      if (this.bytesBuffered === 0) this.chunks = [];
    };
    return connection;
  },
};
