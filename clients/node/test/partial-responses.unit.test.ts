import { once } from 'node:events';
import { createRequire } from 'node:module';
import { type AddressInfo, createServer } from 'node:net';
import { expect, test } from 'vitest';
import { forgetPartialResponses } from '../src/partial-responses.ts';
import { Sockets } from '../src/sockets.ts';

const require = createRequire(import.meta.url);
const Connection = require('kafkajs/src/network/connection');
const apiVersions = require('kafkajs/src/protocol/requests/apiVersions');
const quiet = { namespace: () => ({ debug() {}, info() {}, warn() {}, error() {} }) };

/** The answer to a request: no error, and no versions. */
function answerTo(request: Buffer): Buffer {
  const answer = Buffer.alloc(14);
  answer.writeInt32BE(10);
  request.copy(answer, 4, 8, 12);
  return answer;
}

test('what came before a connection broke is not read as part of the next one', async () => {
  forgetPartialResponses();
  forgetPartialResponses();
  let requests = 0;
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.on('data', (request) => {
      requests += 1;
      if (requests > 1) socket.write(answerTo(request));
      else socket.end(answerTo(request).subarray(0, 7));
    });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const sockets = new Sockets();
  const connection = new Connection({
    host: '127.0.0.1',
    port: (server.address() as AddressInfo).port,
    logger: quiet,
    requestTimeout: 60_000,
    connectionTimeout: 60_000,
    socketFactory: sockets.factory,
  });
  const ask = async () => {
    await connection.connect();
    return connection.send(apiVersions.protocol({ version: 0 })());
  };
  await expect(ask()).rejects.toThrow('Closed connection');
  await expect(ask()).resolves.toMatchObject({ errorCode: 0 });
  sockets.destroy();
  server.close();
});
