import net from 'node:net';
import tls from 'node:tls';
import type { ISocketFactory } from 'kafkajs';

const KEEP_ALIVE_DELAY_MS = 10_000;
/** Source: Kafka protocol, API keys. The answer to the last two waits for the other members of a group. */
const JOIN_GROUP = 11;
const SYNC_GROUP = 14;
const API_KEY_OFFSET = 4;

export interface SocketOptions {
  /** How long a broker may leave a request unanswered, in milliseconds. */
  readonly silenceMs: number;
  /** The same while it waits for the other members of a group. */
  readonly joinMs: number;
}

/**
 * Makes the sockets of a kafkajs client, and closes one whose broker leaves a request unanswered.
 *
 * kafkajs gives the request up by itself but keeps the connection and repeats the request on it: one
 * that was cut without a word would hold consumer, admin and producer for minutes, or for as long as
 * the kernel goes on sending. A connection that is closed it replaces at once.
 */
export function watchedSockets({ silenceMs, joinMs }: SocketOptions): ISocketFactory {
  return ({ host, port, ssl, onConnect }) => {
    // kafkajs passes `ssl` in every case, whatever its type says.
    const isTls = ssl !== undefined && ssl !== null;
    const name = net.isIP(host) === 0 ? { servername: host } : {};
    const socket = isTls
      ? tls.connect({ host, port, ...name, ...ssl }, onConnect)
      : net.connect({ host, port }, onConnect);
    socket.setKeepAlive(true, KEEP_ALIVE_DELAY_MS);
    const silence = closeWhenSilent(socket, silenceMs, joinMs);
    socket.on('data', silence.answered);
    beforeEachRequest(socket, silence.asked);
    return socket;
  };
}

function closeWhenSilent(socket: net.Socket, silenceMs: number, joinMs: number) {
  let timer: NodeJS.Timeout | undefined;
  const answered = () => {
    clearTimeout(timer);
    timer = undefined;
  };
  const arm = (ms: number) => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      socket.destroy(
        Object.assign(new Error(`no answer for ${ms} ms`), { code: 'ETIMEDOUT' as const }),
      );
    }, ms);
  };
  const asked = (api: number | undefined) => {
    if (api === JOIN_GROUP || api === SYNC_GROUP) arm(joinMs);
    else if (timer === undefined) arm(silenceMs);
  };
  socket.on('close', answered);
  return { asked, answered };
}

/** @param act is given the key of the request, when it has one */
function beforeEachRequest(socket: net.Socket, act: (api: number | undefined) => void): void {
  const write = socket.write.bind(socket) as (...args: unknown[]) => boolean;
  socket.write = ((...args: unknown[]) => {
    const [request] = args;
    const isWhole = Buffer.isBuffer(request) && request.length >= API_KEY_OFFSET + 2;
    act(isWhole ? request.readInt16BE(API_KEY_OFFSET) : undefined);
    return write(...args);
  }) as typeof socket.write;
}
