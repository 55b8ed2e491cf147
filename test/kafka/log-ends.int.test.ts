import { Kafka, logLevel } from 'kafkajs';
import { expect, test } from 'vitest';
import { topicBounds, withAdmin } from '../../src/kafka/admin.ts';
import { LogEnds } from '../../src/kafka/log-ends.ts';
import { freshTopic, stackUrls } from '../support/stack.ts';

test('the end of a log is after the records of an open transaction, which may not be read yet', async () => {
  const topic = await freshTopic(1);
  const kafka = new Kafka({
    brokers: stackUrls().kafkaBrokers.split(','),
    logLevel: logLevel.NOTHING,
  });
  const producer = kafka.producer({ transactionalId: `open-${topic}`, maxInFlightRequests: 1 });
  const other = kafka.producer();
  const ends = new LogEnds(kafka);
  await Promise.all([producer.connect(), other.connect()]);
  try {
    const transaction = await producer.transaction();
    await transaction.send({ topic, messages: [{ value: 'open' }] });
    await other.send({ topic, messages: [{ value: 'a' }, { value: 'b' }] });

    expect(await ends.of(topic)).toEqual(new Map([[0, 3]]));
    const readable = await withAdmin(kafka, (admin) => topicBounds(admin, topic));
    expect(readable).toEqual(new Map([[0, { earliest: 0, latest: 0 }]]));
    await transaction.abort();
  } finally {
    await Promise.all([producer.disconnect(), other.disconnect(), ends.close()]);
  }
});
