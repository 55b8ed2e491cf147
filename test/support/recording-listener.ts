import { once } from 'node:events';
import { createServer } from 'node:net';

/** A port on which nothing may arrive: every connection is noted and closed. */
export interface RecordingListener {
  readonly port: number;
  readonly connections: number;
  close(): Promise<void>;
}

export async function recordingListener(): Promise<RecordingListener> {
  let connections = 0;
  const server = createServer((socket) => {
    connections += 1;
    socket.destroy();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  return {
    port,
    get connections() {
      return connections;
    },
    async close() {
      server.close();
      await once(server, 'close');
    },
  };
}
