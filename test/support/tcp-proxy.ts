import { connect, createServer, type Server, type Socket } from 'node:net';

/** What is to be done with bytes that a client sends. */
export type Verdict =
  | 'pass'
  /** The server receives them, and the client gets no answer. */
  | 'cut after'
  /** The server does not get them. */
  | 'cut before'
  /** The server gets only some of them; for the others the client is answered in its stead. */
  | { readonly pass: Buffer; readonly answer: Buffer };

interface Link {
  readonly client: Socket;
  readonly server: Socket;
}

/** A wire between a client and a server that can be cut and stalled. */
export class TcpProxy {
  readonly #server: Server;
  readonly #target: { host: string; port: number };
  readonly #links = new Set<Link>();
  #stalled = false;
  /** Looks at each chunk from a client. */
  judge: (bytes: Buffer) => Verdict = () => 'pass';

  private constructor(target: { host: string; port: number }) {
    this.#target = target;
    this.#server = createServer((client) => this.#accept(client));
  }

  static async to(host: string, port: number, at = '127.0.0.1'): Promise<TcpProxy> {
    const proxy = new TcpProxy({ host, port });
    await new Promise<void>((resolve) => {
      proxy.#server.listen(0, at, resolve);
    });
    return proxy;
  }

  get port(): number {
    const address = this.#server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  /** The same URL by way of this proxy. */
  static async of(url: string): Promise<{ proxy: TcpProxy; url: string }> {
    const through = new URL(url);
    const proxy = await TcpProxy.to(through.hostname, Number(through.port));
    through.hostname = '127.0.0.1';
    through.port = String(proxy.port);
    return { proxy, url: through.href };
  }

  /** Breaks every connection. */
  cut(): void {
    for (const { client, server } of this.#links) {
      client.destroy();
      server.destroy();
    }
  }

  /** Lets nothing through on the connections that there are, without closing one. */
  stall(): void {
    for (const { client, server } of this.#links) {
      client.pause();
      server.pause();
    }
  }

  /** The same for connections still to be made; they are accepted and stay silent. */
  stallAll(): void {
    this.#stalled = true;
    this.stall();
  }

  /** Lets new connections through again; stalled ones stay so. */
  heal(): void {
    this.#stalled = false;
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
    });
    this.cut();
    await closed;
  }

  #accept(client: Socket): void {
    const server = connect(this.#target);
    const link = { client, server };
    this.#links.add(link);
    const end = () => {
      client.destroy();
      server.destroy();
      this.#links.delete(link);
    };
    for (const socket of [client, server]) {
      socket.on('error', () => {});
      socket.on('close', end);
    }
    if (this.#stalled) {
      client.pause();
      server.pause();
    }
    server.on('data', (bytes) => client.write(bytes));
    client.on('data', (bytes) => {
      const verdict = this.judge(bytes);
      if (typeof verdict === 'object') {
        server.write(verdict.pass);
        client.write(verdict.answer);
        return;
      }
      switch (verdict) {
        case 'pass':
          server.write(bytes);
          break;
        case 'cut before':
          end();
          break;
        case 'cut after':
          // The server's answer shows that it is through.
          server.removeAllListeners('data');
          server.once('data', end);
          server.write(bytes);
          client.removeListener('close', end);
          client.destroy();
      }
    });
  }
}
