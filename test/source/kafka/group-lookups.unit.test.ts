import { type Kafka, KafkaJSProtocolError } from 'kafkajs';
import { expect, test } from 'vitest';
import { GroupLookups } from '../../../src/source/kafka/group-lookups.ts';

// Apache Kafka never answers so; `npm run clusters` has a broker that does.
function lookupsThatFail(error: Error): GroupLookups {
  const admin = {
    connect: async () => {},
    fetchOffsets: async () => {
      throw error;
    },
  };
  return new GroupLookups({ admin: () => admin } as unknown as Kafka, 'group');
}

function protocolError(type: string): KafkaJSProtocolError {
  return Object.assign(new KafkaJSProtocolError(`the broker answered ${type}`), { type });
}

test('a group that the broker does not know yet has committed nothing', async () => {
  const lookups = lookupsThatFail(protocolError('GROUP_ID_NOT_FOUND'));
  expect(await lookups.committed('topic')).toEqual(new Map());
});

test('any other answer instead of the committed offsets is an error', async () => {
  const lookups = lookupsThatFail(protocolError('GROUP_AUTHORIZATION_FAILED'));
  await expect(lookups.committed('topic')).rejects.toThrow('GROUP_AUTHORIZATION_FAILED');
});
