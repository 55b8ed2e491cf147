import { once } from 'node:events';
import { createRequire } from 'node:module';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { watchedSockets } from '../../../../src/kafka/watched-socket.ts';
import { loadPatchedKafkaJs } from '../../../../src/source/kafka/kafkajs/load.ts';

loadPatchedKafkaJs();
const require = createRequire(import.meta.url);
const Connection = require('kafkajs/src/network/connection.js');
const apiVersions = require('kafkajs/src/protocol/requests/apiVersions');
const quiet = { namespace: () => ({ debug() {}, info() {}, warn() {}, error() {} }) };

/** The answer to a request: no error, and no versions. */
function answerTo(request: Buffer): Buffer {
  const answer = Buffer.alloc(14);
  answer.writeInt32BE(10);
  request.copy(answer, 4, 8, 12);
  return answer;
}

let end = () => {};
afterEach(() => end());

/** @param answer is called with each request and how many came before it */
async function connectTo(answer: (socket: Socket, request: Buffer, before: number) => void) {
  let requests = 0;
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.on('data', (request) => answer(socket, request, requests++));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const connection = new Connection({
    host: '127.0.0.1',
    port: (server.address() as AddressInfo).port,
    logger: quiet,
    requestTimeout: 60_000,
    connectionTimeout: 60_000,
    socketFactory: watchedSockets({ silenceMs: 60_000, joinMs: 60_000 }),
  });
  end = () => {
    connection.socket.destroy();
    server.close();
  };
  const ask = async () => {
    await connection.connect();
    return connection.send(apiVersions.protocol({ version: 0 })());
  };
  return { connection, ask };
}

test('a connection keeps nothing of a response that it has read', async () => {
  const { connection, ask } = await connectTo((socket, request) => socket.write(answerTo(request)));
  await expect(ask()).resolves.toMatchObject({ errorCode: 0 });
  expect(connection.chunks).toEqual([]);
  await expect(ask()).resolves.toMatchObject({ errorCode: 0 });
});

test('what came before a connection broke is not read as part of the next one', async () => {
  const { ask } = await connectTo((socket, request, before) => {
    if (before > 0) socket.write(answerTo(request));
    else socket.end(answerTo(request).subarray(0, 7));
  });
  await expect(ask()).rejects.toThrow('Closed connection');
  await expect(ask()).resolves.toMatchObject({ errorCode: 0 });
});
