import net from 'node:net';
import tls from 'node:tls';
import type { ISocketFactory } from 'kafkajs';
import { ResponseFrames } from './response-frames.ts';

/** How much is read from a socket at once. */
const READ_BYTES = 65_536;
const KEEP_ALIVE_DELAY_MS = 10_000;
/** Requests that wait for the other members of a group. Source: Kafka protocol, API keys. */
const JOIN_GROUP = 11;
const SYNC_GROUP = 14;
const API_KEY_OFFSET = 4;

export interface SocketOptions {
  /** How long a broker may leave a request unanswered, in milliseconds. */
  readonly silenceMs: number;
  /** The same for a request that waits for the other members of a group. */
  readonly joinMs: number;
}

/**
 * Makes the sockets of a kafkajs client, and closes one whose broker leaves a request unanswered.
 *
 * kafkajs gives up a request after `requestTimeout`, but keeps the connection and repeats the request
 * on it. When the peer is gone without having closed the connection (a firewall dropped its state, a
 * host lost its power), consumer, admin and producer would wait until the kernel gives up
 * retransmitting, which takes minutes. A connection that is closed kafkajs replaces at once.
 *
 * It must be closed before the request times out. kafkajs's event of a request that timed out comes too
 * late: only after a failed connection does it try the next of its brokers, so that a silent one at the
 * head of the list would be asked for ever. And a socket's own time-out cannot distinguish a join, which
 * waits for the other members of the group, from a request that is lost. So the API key is read from what
 * kafkajs writes: it writes each request whole.
 */
export function watchedSockets({ silenceMs, joinMs }: SocketOptions): ISocketFactory {
  return ({ host, port, ssl, onConnect }) => {
    // kafkajs passes `ssl` in every case, whatever its type says.
    const isTls = ssl !== undefined && ssl !== null;
    const name = net.isIP(host) === 0 ? { servername: host } : {};
    const frames = new ResponseFrames((bytes) => socket.emit('data', bytes));
    const onread = {
      // One for all that arrives: `ResponseFrames` copies out of it.
      buffer: Buffer.allocUnsafeSlow(READ_BYTES),
      callback: (bytes: number, buffer: Uint8Array) => {
        silence.answered();
        frames.push((buffer as Buffer).subarray(0, bytes));
        return true;
      },
    };
    const secure = { host, port, ...name, ...ssl, onread };
    const socket = isTls
      ? tls.connect(secure, onConnect)
      : net.connect({ host, port, onread }, onConnect);
    socket.setKeepAlive(true, KEEP_ALIVE_DELAY_MS);
    const silence = closeWhenSilent(socket, silenceMs, joinMs);
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
