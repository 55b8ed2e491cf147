import type { Kafka } from 'kafkajs';
import { expect, test } from 'vitest';
import { topicIdRequest } from '../../src/kafka/topic-id-request.ts';
import { TopicIds } from '../../src/kafka/topic-ids.ts';

const METADATA = 3;

/** A client whose broker speaks these versions of the metadata request. */
function kafkaWith(maxVersion: number): { kafka: Kafka; asked: () => number } {
  let asked = 0;
  const broker = {
    versions: { [METADATA]: { minVersion: 0, maxVersion } },
    connectionPool: {
      send: async () => {
        asked += 1;
        return { topicId: '00000000-0000-0000-0000-000000000001' };
      },
    },
    connect: async () => {},
    disconnect: async () => {},
  };
  const cluster = { brokerPool: { findConnectedBroker: async () => broker } };
  const kafka = { [Symbol('private:Kafka:createCluster')]: () => cluster };
  return { kafka: kafka as unknown as Kafka, asked: () => asked };
}

test.each([
  [9, undefined, 0],
  [10, '00000000-0000-0000-0000-000000000001', 1],
  [13, '00000000-0000-0000-0000-000000000001', 1],
])('a broker that speaks metadata up to version %d names %s', async (version, id, requests) => {
  const { kafka, asked } = kafkaWith(version);
  expect(await new TopicIds(kafka).of('calls')).toBe(id);
  expect(asked()).toBe(requests);
});

test('a name of more than 126 bytes is written with a length of two', async () => {
  const topic = 'x'.repeat(249);
  const { buffer } = await topicIdRequest(topic).request.encode();
  expect([...buffer.subarray(18, 20)]).toEqual([(250 & 0x7f) | 0x80, 1]);
  expect(buffer.toString('utf8', 20, 20 + 249)).toBe(topic);
  expect(buffer.length).toBe(20 + 249 + 5);
});

test('an answer that is cut off is an error, and no id', async () => {
  const { response } = topicIdRequest('calls');
  const answer = Buffer.from([0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 2, 0, 0, 6]);
  await expect(response.decode(answer)).rejects.toThrow(/cut off/);
});
