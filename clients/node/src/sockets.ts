import net, { type Socket } from 'node:net';
import tls from 'node:tls';
import type { ISocketFactory } from 'kafkajs';

const KEEP_ALIVE_MS = 60_000;

/**
 * The connections that kafkajs makes. Its own way to end them waits for every answer, 30 s for a broker
 * that does not send any; these can be ended at once.
 */
export class Sockets {
  readonly #open = new Set<Socket>();
  readonly #connect: ISocketFactory;
  #isClosed = false;

  constructor(connect: ISocketFactory = connectAsKafkajsDoes) {
    this.#connect = connect;
  }

  readonly factory: ISocketFactory = (request) => {
    if (this.#isClosed) throw new Error('the emitter is closed');
    const socket = this.#connect(request);
    this.#open.add(socket);
    socket.once('close', () => this.#open.delete(socket));
    return socket;
  };

  /** Ends all connections, whatever is under way on them, and refuses further ones. */
  destroy(): void {
    this.#isClosed = true;
    // kafkajs gives up what it waits for on an error, not on the end of a socket.
    for (const socket of this.#open) socket.destroy(new Error('the emitter is closed'));
  }
}

function connectAsKafkajsDoes({ host, port, ssl, onConnect }: Parameters<ISocketFactory>[0]) {
  const servername = net.isIP(host) === 0 ? { servername: host } : {};
  const socket = ssl
    ? tls.connect({ host, port, ...servername, ...ssl }, onConnect)
    : net.connect({ host, port }, onConnect);
  return socket.setKeepAlive(true, KEEP_ALIVE_MS);
}
