import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { expect, test } from 'vitest';
import { watchedSockets } from '../../src/kafka/watched-socket.ts';

const ANSWER_BYTES = 100_000;
const Api = { fetch: 1, metadata: 3 };

function request(api: number): Buffer {
  const bytes = Buffer.alloc(12);
  bytes.writeInt32BE(8);
  bytes.writeInt16BE(api, 4);
  return bytes;
}

/** The memory of two answers, with a request between them. */
async function memories(reusesAnswers: boolean, api: number): Promise<ArrayBufferLike[]> {
  const answer = Buffer.alloc(4 + ANSWER_BYTES);
  answer.writeInt32BE(ANSWER_BYTES);
  const server = createServer((socket) => socket.on('data', () => socket.write(answer)));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  const socket = watchedSockets({ silenceMs: 5_000, joinMs: 5_000, reusesAnswers })({
    host: '127.0.0.1',
    port,
    ssl: undefined as never,
    onConnect: () => {},
  });
  const found: ArrayBufferLike[] = [];
  for (let i = 0; i < 2; i += 1) {
    socket.write(request(api));
    const [bytes] = (await once(socket, 'data')) as [Buffer];
    expect(bytes).toEqual(answer);
    found.push(bytes.buffer);
  }
  socket.destroy();
  server.close();
  return found;
}

test('memory of an answer is used again when more is fetched', async () => {
  const [first, second] = await memories(true, Api.fetch);
  expect(second).toBe(first);
});

test.each([
  ['another request is sent', true, Api.metadata],
  ['whoever fetches may still look at it', false, Api.fetch],
])('memory of an answer is not used again when %s', async (_, reusesAnswers, api) => {
  const [first, second] = await memories(reusesAnswers, api);
  expect(second).not.toBe(first);
});
