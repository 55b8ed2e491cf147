import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer as createTlsServer } from 'node:tls';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { watchedSockets } from '../../src/kafka/watched-socket.ts';
import { newAuthority } from '../support/certificates.ts';

const SILENCE_MS = 5_000;
const JOIN_MS = 60_000;
const Api = { metadata: 3, joinGroup: 11 };

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});
afterEach(() => {
  vi.useRealTimers();
});

function request(api: number): Buffer {
  const bytes = Buffer.alloc(12);
  bytes.writeInt32BE(8);
  bytes.writeInt16BE(api, 4);
  return bytes;
}

/** A socket to a broker that says nothing by itself. */
async function connect() {
  const server = createServer();
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const accepted = once(server, 'connection');
  const socket = watchedSockets({ silenceMs: SILENCE_MS, joinMs: JOIN_MS })({
    host: '127.0.0.1',
    port: (server.address() as AddressInfo).port,
    ssl: undefined as never,
    onConnect: () => {},
  });
  const [broker] = (await accepted) as [Socket];
  const end = () => {
    socket.destroy();
    broker.destroy();
    server.close();
  };
  return { socket, broker, end };
}

test.each([
  ['a request', Api.metadata, SILENCE_MS],
  ['a join, which waits for the other members', Api.joinGroup, JOIN_MS],
])('a connection whose broker leaves %s unanswered is closed', async (_, api, ms) => {
  const { socket, end } = await connect();
  const failed = once(socket, 'error');
  socket.write(request(api));
  vi.advanceTimersByTime(ms - 1);
  expect(socket.destroyed).toBe(false);
  vi.advanceTimersByTime(1);
  const [error] = await failed;
  expect(error).toMatchObject({ code: 'ETIMEDOUT', message: `no answer for ${ms} ms` });
  end();
});

test('an answer ends the wait, and the next request begins another', async () => {
  const { socket, broker, end } = await connect();
  socket.write(request(Api.metadata));
  const answer = once(socket, 'data');
  broker.write(Buffer.from([0, 0, 0, 1, 42]));
  expect((await answer)[0]).toEqual(Buffer.from([0, 0, 0, 1, 42]));
  vi.advanceTimersByTime(SILENCE_MS);
  expect(socket.destroyed).toBe(false);
  socket.on('error', () => {});
  socket.write(request(Api.metadata));
  vi.advanceTimersByTime(SILENCE_MS);
  expect(socket.destroyed).toBe(true);
  end();
});

test('over TLS, too, a response is passed on whole, and ends the wait', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'usage-ledger-tls-'));
  const authority = await newAuthority(folder, 'authority');
  const { certFile, keyFile } = await authority.issue('broker');
  const server = createTlsServer({
    cert: await readFile(certFile),
    key: await readFile(keyFile),
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const accepted = once(server, 'secureConnection');
  const socket = watchedSockets({ silenceMs: SILENCE_MS, joinMs: JOIN_MS })({
    host: '127.0.0.1',
    port: (server.address() as AddressInfo).port,
    ssl: { ca: await readFile(authority.caFile) },
    onConnect: () => {},
  });
  const [broker] = (await accepted) as [Socket];
  socket.write(request(Api.metadata));
  await once(broker, 'data');
  const pieces: Buffer[] = [];
  socket.on('data', (piece) => pieces.push(piece));
  const response = Buffer.concat([Buffer.from([0, 3, 13, 64]), Buffer.alloc(200_000, 7)]);
  broker.write(response.subarray(0, 30_000), () => broker.write(response.subarray(30_000)));
  await once(socket, 'data');
  expect(pieces.map((piece) => piece.equals(response))).toEqual([true]);
  vi.advanceTimersByTime(SILENCE_MS);
  expect(socket.destroyed).toBe(false);
  socket.destroy();
  broker.destroy();
  server.close();
  await rm(folder, { recursive: true });
});
